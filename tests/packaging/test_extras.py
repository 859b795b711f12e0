"""Each extra brings what its command needs, outside any checkout."""

import ctypes
import json
import re
import shlex
import signal
import subprocess
import urllib.request
from pathlib import Path

import pytest

from edge_dce.version import VERSION
from tests.packaging.installation import Installation

_PATIENCE_S = 60
PICTURES = """
from pathlib import Path
import numpy as np
from edge_dce import Picture, write_picture
for folder, count in (("dark", 12), ("held-out", 3)):
    Path(folder).mkdir()
    random = np.random.default_rng(count)
    for number in range(count):
        image = random.integers(0, 40 + 10 * number, (40, 48, 3)).astype(np.uint8)
        image[4 : 8 + number, 4:12] = 250  # a lamp
        write_picture(Picture(image), Path(folder, f"{count}-{number}.png"))
"""
NETWORK = """
import keras
image = keras.Input((None, None, 3))
brighten = keras.initializers.Constant(-0.4)
layer = keras.layers.Conv2D(24, 3, padding="same", activation="tanh", bias_initializer=brighten)
keras.Model(image, layer(image)).save("tiny.keras")
"""


def install(wheel: Path, extra: str, folder: Path) -> Installation:
    installation = Installation(folder)
    installation.install(f"{wheel}[{extra}]")
    return installation


def has_gl() -> bool:
    try:
        return all(ctypes.CDLL(name) for name in ("libGL.so.1", "libEGL.so.1"))
    except OSError:
        return False


@pytest.fixture(scope="module")
def pi(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return install(wheel, "pi", tmp_path_factory.mktemp("pi"))


@pytest.fixture(scope="module")
def app(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return install(wheel, "app", tmp_path_factory.mktemp("app"))


@pytest.fixture(scope="module")
def workshop(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """With dark pictures, pictures held out, and tiny.keras."""
    installation = install(wheel, "convert", tmp_path_factory.mktemp("workshop"))
    installation.check(installation.run("python", "-c", PICTURES))
    installation.check(installation.run("python", "-c", NETWORK))
    return installation


@pytest.mark.parametrize(
    ("words", "made", "content_type"),
    [
        ("live --source synthetic --size 320x180", "snapshot.jpg", "image/jpeg"),
        ("web", "openapi.json", "application/json"),
    ],
    ids=["live", "web"],
)
def test_page_is_served_until_told_to_stop(pi: Installation, words: str, made: str, content_type: str) -> None:
    command = [pi.bin / "edge-dce", *words.split(), "--http", "127.0.0.1:0"]
    process = subprocess.Popen(command, cwd=pi.folder, env=pi.environ, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        found = None
        while found is None and (line := process.stderr.readline()):
            found = re.search(r"http://127\.0\.0\.1:\d+/", line)
        assert found is not None, "no page"
        for path, expected in (("", "text/html"), ("page.css", "text/css"), (made, content_type)):
            with urllib.request.urlopen(found.group() + path, timeout=_PATIENCE_S) as answer:
                assert answer.status == 200
                assert answer.headers["Content-Type"].startswith(expected)
                assert answer.read()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=_PATIENCE_S)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0


def test_program_that_starts_another_finds_it_under_its_installed_name(pi: Installation) -> None:
    pi.check(pi.run("python", "-m", "edge_dce_apps.pi.soak", "--minutes", "0.05", "--size", "320x180"))


def test_live_calls_its_program_by_the_name_of_its_door(pi: Installation) -> None:
    assert pi.check(pi.run("edge-dce", "live", "--help")).startswith("usage: edge-dce live ")


def test_service_runs_the_installed_program(pi: Installation) -> None:
    pi.environ["DESTDIR"] = str(pi.folder)
    code = "import edge_dce_apps.pi; print(edge_dce_apps.pi.__path__[0])"
    (script,) = Path(pi.check(pi.run("python", "-c", code)).strip()).rglob("install-service.sh")
    pi.check(pi.run(str(script)))
    unit = (pi.folder / "etc/systemd/system/edge-dce-pi.service").read_text()
    command = re.search(r"^ExecStart=(\S+ -m \S+)", unit, re.MULTILINE)
    assert command is not None
    assert command.group(1) == f"{pi.bin / 'python'} -m edge_dce_apps.pi"


def test_pip_line_of_a_missing_command_brings_it(app: Installation) -> None:
    refused = app.run("edge-dce", "live", "--version")
    assert refused.returncode == 1
    app.check(app.run(*shlex.split(refused.stderr.partition("; run: ")[2])))
    assert app.check(app.run("edge-dce", "live", "--version")) == f"edge-dce {VERSION}\n"


@pytest.mark.skipif(not has_gl(), reason="needs: apt-get install libegl1 libgl1 libgl1-mesa-dri libmtdev1")
def test_camera_draws_its_window(app: Installation) -> None:
    app.environ |= {"SDL_VIDEODRIVER": "offscreen", "KIVY_NO_CONSOLELOG": "1", "KIVY_HOME": str(app.folder)}
    app.check(app.run("edge-dce", "camera", "--camera", "synthetic", "--benchmark", "2", "--json", "view.json"))
    turns = json.loads((app.folder / "view.json").read_text())["turns"]
    assert all(turn["frames"] > 0 and turn["maps"] > 0 for turn in turns)


@pytest.mark.parametrize("name", ["train", "evaluate", "convert"])
def test_workshop_calls_its_programs_by_the_names_of_their_doors(workshop: Installation, name: str) -> None:
    assert workshop.check(workshop.run("edge-dce", name, "--help")).startswith(f"usage: edge-dce {name} ")


def test_train_trains_and_evaluate_scores(workshop: Installation) -> None:
    settings = ["--cache", "cache", "--epochs", "1", "--set", "resize_px=32", "--set", "batch_size=4"]
    workshop.check(workshop.run("edge-dce", "train", "fit", "--data", "dark", "--out", "run", *settings))
    workshop.check(workshop.run("edge-dce", "evaluate", "run", "--pairs", "held-out", "held-out"))
    assert json.loads((workshop.folder / "run" / "evaluation.json").read_text())
    assert (workshop.folder / "run" / "evaluation.html").read_text().startswith("<!")


@pytest.mark.parametrize("precision", ["float16", "int8"])
def test_convert_makes_files_that_enhance_runs(workshop: Installation, precision: str) -> None:
    out = workshop.folder / precision
    pictures = ["--calibration", "dark", "--evaluation", "held-out"]
    # A random network's maps are further from their mean than a trained one's.
    options: list[str | Path] = ["--precision", precision, "--size", "32x32", "--min-psnr", "30/25", "-o", out]
    workshop.check(workshop.run("edge-dce", "convert", "tiny.keras", *pictures, *options))
    model = out / f"tiny-32x32-{precision}.tflite"
    picture = next((workshop.folder / "held-out").iterdir())
    workshop.check(workshop.run("edge-dce", "enhance", picture, "-m", model, "-o", out / "bright.png"))
    assert (out / "bright.png").is_file()
