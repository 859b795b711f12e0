"""The commands and the code of README and docs/ run as they stand, and their links lead somewhere."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

import apps.camera.__main__
import apps.photos.options
import apps.pi.options
import edge_dce.cli
from edge_dce.cli import build_parser, main
from edge_dce.models.catalog import DEFAULT_MODEL, find_model
from tests.documents import (
    PAGES,
    README,
    ROOT,
    find_commands,
    list_anchors,
    list_commands,
    list_inline_commands,
    list_links,
    read_blocks,
)
from tests.edge_dce.camera import fake_picamera2
from tests.training.panoramas.made_panorama import make_panorama, write_panorama

CONTRIBUTING = ROOT / "CONTRIBUTING.md"
LINKING_PAGES = (
    *PAGES,
    CONTRIBUTING,
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").glob("*/*.md")),
    ROOT / "training" / "results" / "README.md",
)
SAMPLE = ROOT / "docs" / "pictures" / "night-launch.jpg"
DEVICE_COMMANDS = "edge-dce (?:enhance|benchmark|info|models|doctor)"
# What needs an object store, a cluster, or a runtime that compiles.
FAR = re.compile(r"s3://|--cluster|--accelerator")
# What needs a camera or the workshop: its parser alone reads these, below and in tests/benchmarks.
OTHER_COMMANDS = "edge-dce (?:live|web|camera|train|evaluate|convert)"
# A command that only Ctrl-C ends; tests/edge_dce/enhancing/test_watching.py runs it.
ENDLESS = "--watch"
README_WORDS = 700


def list_blocks() -> list[object]:
    """Every block of a shell that has a command for the device, named by its page and its first such command."""
    return [
        pytest.param(block, id=f"{page.stem}: {find_commands(block, DEVICE_COMMANDS)[0]}")
        for page in PAGES
        for block in read_blocks(page, "sh")
        if find_commands(block, DEVICE_COMMANDS) and not FAR.search(block)
    ]


def list_code() -> list[object]:
    return [
        pytest.param(page, block, id=f"{page.stem} {number}")
        for page in PAGES
        for number, block in enumerate(read_blocks(page, "python"), start=1)
    ]


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the documents call by name; videos come with `add_clip`."""
    shutil.copy(SAMPLE, tmp_path / "night.jpg")
    for folder in ("photos", "data/test/low", "data/test/high"):
        (tmp_path / folder).mkdir(parents=True)
        shutil.copy(SAMPLE, tmp_path / folder / "one.jpg")
    write_panorama(tmp_path / "panoramas" / "scene.hdr", make_panorama())
    (tmp_path / "runs" / "own").mkdir(parents=True)
    shutil.copy(find_model(DEFAULT_MODEL), tmp_path / "runs" / "own" / "own-256x256-int8.tflite")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def add_clip(folder: Path) -> None:
    # Here, because it skips the test where there is no PyAV.
    from tests.edge_dce.enhancing.clips import write_clip

    write_clip(folder / "clip.mp4")


@pytest.mark.parametrize("block", list_blocks())
def test_commands_of_a_block_succeed_one_after_the_other(
    block: str, work: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    if "clip.mp4" in block:
        add_clip(work)
    for command in find_commands(block, DEVICE_COMMANDS):
        words = shlex.split(command)[1:]
        if ENDLESS in words:
            build_parser().parse_args(words)
            continue
        if words[0] == "benchmark":
            # As it stands, but in seconds: of what is given twice, the last counts.
            words += ["--runs", "2", *(["--sustained", "1"] if "--sustained" in words else [])]
        # Whether something got slower depends on what else the machine does.
        status = main(words)
        assert status == 0 or ("--compare" in words and b"error:" not in capfdbinary.readouterr().err), command


@pytest.mark.parametrize(("page", "block"), list_code())
def test_code_of_a_page_runs(page: Path, block: str, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if "clip.mp4" in block:
        add_clip(work)
    if "picamera2" in block:
        fake_picamera2.plug(monkeypatch)
    if "flask" in block:
        pytest.importorskip("flask", reason="a page's example of a web service needs flask")
    exec(compile(block, page.name, "exec"), {"__name__": "__main__"})


def test_examples_for_pictures_run_in_the_order_in_which_a_newcomer_reads_them(work: Path) -> None:
    for page in (README, *(ROOT / "docs" / f"{name}.md" for name in ("enhancing", "python", "troubleshooting"))):
        for language, block in re.findall(r"```(sh|python)\n(.*?)```", page.read_text(), re.DOTALL):
            if language == "python" and "night.jpg" in block and "flask" not in block:
                exec(compile(block, page.name, "exec"), {"__name__": "__main__"})
            for command in find_commands(block, "edge-dce enhance") if language == "sh" else []:
                if "night.jpg" in command or ("photos" in command and not FAR.search(command)):
                    assert main(shlex.split(command)[1:]) == 0, command


@pytest.mark.parametrize("command", list(filter(FAR.search, list_commands("edge-dce enhance"))))
def test_command_for_stores_and_clusters_is_understood(command: str) -> None:
    edge_dce.cli.build_parser().parse_args(shlex.split(command)[1:])


@pytest.mark.parametrize("command", list_commands("edge-dce live"))
def test_command_of_the_camera_script_is_understood(command: str) -> None:
    apps.pi.options.build_parser().parse_args(shlex.split(command)[2:])


@pytest.mark.parametrize("command", list_commands("edge-dce web"))
def test_command_of_the_page_for_photos_is_understood(command: str) -> None:
    apps.photos.options.build_parser().parse_args(shlex.split(command)[2:])


@pytest.mark.parametrize("command", list_commands("edge-dce camera"))
def test_command_of_the_camera_app_is_understood(command: str) -> None:
    apps.camera.__main__.build_parser().parse_args(shlex.split(command)[2:])


def test_recipes_for_other_programs_ask_for_addresses_that_the_camera_script_answers() -> None:
    answered = set(re.findall(r"`(/[\w.]+)", (ROOT / "docs" / "pi.md").read_text()))
    asked = re.findall(r"http://camera:8000(/[\w.]+)", (ROOT / "docs" / "cameras.md").read_text())
    assert len(asked) >= 6
    assert set(asked) <= answered


def test_programs_of_the_checkout_are_there() -> None:
    blocks = (block for page in PAGES for block in read_blocks(page, "sh"))
    programs = {name for block in blocks for name in re.findall(r"(?:apps|scripts)/[\w./-]+", block)}
    assert [name for name in sorted(programs) if not (ROOT / name).is_file()] == []


def test_every_command_of_the_documents_is_one_that_a_test_knows() -> None:
    known = set(list_commands(f"(?:{DEVICE_COMMANDS}|{OTHER_COMMANDS})"))
    assert set(list_commands("edge-dce")) <= known
    inline = list_inline_commands(CONTRIBUTING, "edge-dce")
    assert [command for command in inline if not re.match(f"{DEVICE_COMMANDS}|{OTHER_COMMANDS}", command)] == []


def test_two_commands_come_first_and_exist() -> None:
    first = [command.split()[1] for block in read_blocks(README, "sh") for command in find_commands(block, "make")][:2]
    assert first == ["demo", "test"]
    targets = re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(first) <= set(targets)
    text = README.read_text()
    assert text.index("make demo") < text.index("edge-dce enhance")


def test_readme_is_one_page() -> None:
    text = README.read_text()
    assert len(text.split()) <= README_WORDS
    assert len(re.findall(r"^\|[ :|-]+\|$", text, re.MULTILINE)) == 1


@pytest.mark.parametrize("page", LINKING_PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    for file, anchor in list_links(page):
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), file
        assert not anchor or anchor in list_anchors(target), f"{file}#{anchor}"


def test_index_lists_every_page() -> None:
    index = ROOT / "docs" / "README.md"
    linked = {file for file, _ in list_links(index)}
    assert {page.name for page in PAGES if page.parent == index.parent} - {index.name} <= linked


def test_every_picture_has_its_source() -> None:
    pictures = ROOT / "docs" / "pictures"
    sources = (pictures / "SOURCES.md").read_text()
    assert [path.name for path in pictures.glob("*.jpg") if f"`{path.name}`" not in sources] == []
