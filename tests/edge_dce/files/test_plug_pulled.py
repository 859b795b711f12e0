"""Power that fails while files are written: a file system in an image, which is copied in the middle of the work.

What is in the copy is what a disk holds after the plug was pulled: what was not flushed is not there.
"""

import contextlib
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PULLS = 20
# Files of random size, named by what is in them; what is written to the pipe is on the disk by its own account.
WRITE_ON = """
import hashlib, os, random, sys
from pathlib import Path
from edge_dce.files import output
if "careless" in sys.argv:
    output.os.fsync = lambda handle: None
for _ in range(100_000):
    data = os.urandom(random.randrange(1, 200_000))
    name = hashlib.sha256(data).hexdigest()
    output.write_file(Path(sys.argv[1]) / f"{name}.bin", data)
    print(name, flush=True)
    kept = sorted(Path(sys.argv[1]).glob("*.bin"), key=os.path.getmtime)
    for old in kept[:-40]:
        old.unlink()
"""


@contextlib.contextmanager
def mounted(image: Path, folder: Path) -> Iterator[Path]:
    folder.mkdir(exist_ok=True)
    # Names go to the disk every second by themselves, contents much later: as bad as it gets.
    command = ["mount", "-o", "loop,commit=1", str(image), str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def make_image(path: Path) -> Path:
    if os.geteuid() != 0 or shutil.which("mkfs.ext4") is None:
        pytest.skip("needs root, and mkfs.ext4 (Debian: e2fsprogs)")
    with path.open("wb") as file:
        file.truncate(48 << 20)
    subprocess.run(["mkfs.ext4", "-q", str(path)], check=True)
    return path


def copy_still(image: Path, copy: Path) -> None:
    """A copy of one moment: the system's own writing goes on, and a disk is never of two moments."""
    while True:
        before = image.read_bytes()
        copy.write_bytes(before)
        if image.read_bytes() == before:
            return


def pull_plug(image: Path, work: Path, *, wait_s: float, how: str) -> tuple[Path, list[str]]:
    """A copy of the disk from the middle of the work, and the names that were written by then."""
    copy = work / "copy.img"
    with mounted(image, work / "disk") as disk:
        child = subprocess.Popen(
            [sys.executable, "-c", WRITE_ON, str(disk), how], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        names = [child.stdout.readline().strip()]
        time.sleep(wait_s)
        child.send_signal(signal.SIGSTOP)
        os.waitpid(child.pid, os.WUNTRACED)
        copy_still(image, copy)
        child.kill()
        names += child.communicate()[0].split()
    return copy, names


def check_disk(copy: Path, work: Path) -> tuple[int, set[str]]:
    """How many files are not what their names say, and the names of those that are."""
    with mounted(copy, work / "after") as disk:
        # Hidden is the one that was being written, which the next run removes.
        files = [path for path in disk.glob("*.bin") if not path.name.startswith(".")]
        whole = {path.stem for path in files if hashlib.sha256(path.read_bytes()).hexdigest() == path.stem}
        return len(files) - len(whole), whole


def test_files_are_whole_whenever_the_plug_is_pulled(tmp_path: Path) -> None:
    image = make_image(tmp_path / "disk.img")
    moments = random.Random(0)
    for _ in range(PULLS):
        copy, names = pull_plug(image, tmp_path, wait_s=moments.uniform(0, 0.3), how="careful")
        broken, whole = check_disk(copy, tmp_path)
        assert broken == 0
        # The last may have been written and not been told of; older ones are removed by the program itself.
        assert set(names[-30:]) <= whole
