"""Wrong usage is told in one line that says what to do."""

import argparse
import shlex
from collections.abc import Callable

import pytest

import apps.camera.__main__
import apps.photos.options
import apps.pi.options
import converters.cli
from edge_dce import cli, doctor

DOORS: dict[str, Callable[[str], argparse.ArgumentParser]] = {
    "camera": apps.camera.__main__.build_parser,
    "convert": converters.cli.build_parser,
    "live": apps.pi.options.build_parser,
    "web": apps.photos.options.build_parser,
}


def refuse(parser: argparse.ArgumentParser, line: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What is said of a command line that is wrong."""
    with pytest.raises(SystemExit) as caught:
        parser.parse_args(line.split())
    assert caught.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err.rstrip("\n")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("enhance night.jpg --strenght 1.3", "enhance: error: unknown option '--strenght'; did you mean --strength?"),
        ("enhance --strenght=1.3 night.jpg", "enhance: error: unknown option '--strenght'; did you mean --strength?"),
        ("enhance --strenght", "enhance: error: unknown option '--strenght'; did you mean --strength?"),
        ("enhance night.jpg -strength 1.2", "enhance: error: unknown option '-strength'; did you mean --strength?"),
        ("enhance night.jpg -output q3.jpg", "enhance: error: unknown option '-output'; did you mean --output?"),
        ("enhance night.jpg -output=q3.jpg", "enhance: error: unknown option '-output'; did you mean --output?"),
        ("enhance photos -recursive", "enhance: error: unknown option '-recursive'; did you mean --recursive?"),
        ("benchmark m.tflite --sizes 640", "benchmark: error: unknown option '--sizes'; did you mean --size?"),
        ("doctor --jsn", "doctor: error: unknown option '--jsn'; did you mean --json?"),
        ("info --mrkdown", "info: error: unknown option '--mrkdown'; did you mean --markdown?"),
        ("models --jason", "models: error: unknown option '--jason'; did you mean --json?"),
        ("--verison", "error: unknown option '--verison'; did you mean --version?"),
        ("enhanse night.jpg", "error: unknown command 'enhanse'; did you mean enhance?"),
    ],
)
def test_misspelling_is_told_with_what_is_near(line: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    command, colon, rest = said.partition("error:")
    prog = f"edge-dce {command}".rstrip(" :")
    beginning = f"{prog}: {colon}{rest}"
    assert refuse(cli.build_parser(), line, capsys) == f"{beginning} see: {prog} --help"


@pytest.mark.parametrize("line", ["enhance night.jpg --frobnicate", "enhance night.jpg -z", "frobnicate night.jpg"])
def test_what_is_near_nothing_is_told_without_a_guess(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = refuse(cli.build_parser(), line, capsys)
    assert "unknown" in said
    assert "did you mean" not in said
    assert said.endswith(" --help")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("enhance x.png --strength 2", "argument --strength: expected a number from 0 to 1.5, found '2'"),
        ("enhance x.png --strength -1", "argument --strength: expected a number from 0 to 1.5, found '-1'"),
        ("enhance x.png --quality 200", "argument --quality: expected a number from 1 to 100, found '200'"),
        ("enhance x.png -o", "argument -o/--output: expected one argument; see: edge-dce enhance --help"),
        ("enhance", "the following arguments are required: INPUT; see: edge-dce enhance --help"),
        (
            "enhance x.png -q -v",
            "argument -v/--verbose: not allowed with argument -q/--quiet; see: edge-dce enhance --help",
        ),
    ],
)
def test_wrong_value_is_told_alone_with_help_where_the_line_does_not_say_it(
    line: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refuse(cli.build_parser(), line, capsys) == f"edge-dce enhance: error: {said}"


@pytest.mark.parametrize("door", DOORS)
def test_program_behind_a_door_tells_it_the_same(door: str, capsys: pytest.CaptureFixture[str]) -> None:
    prog = f"edge-dce {door}"
    said = refuse(DOORS[door](prog), "--siez 640x480", capsys)
    assert said.startswith(f"{prog}: error: unknown option '--siez'; ")
    assert said.endswith(f"see: {prog} --help")


def test_doctor_by_itself_tells_it_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        doctor.main(["--jsn"])
    expected = "edge-dce doctor: error: unknown option '--jsn'; did you mean --json? see: edge-dce doctor --help\n"
    assert capsys.readouterr().err == expected


@pytest.mark.parametrize(
    "line", ["info a rtsp://eve:secret@cam/x", "info a eve:secret@cam", "info --modle=http://cam/x?password=secret"]
)
def test_no_message_shows_a_password(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "secret" not in refuse(cli.build_parser(), line, capsys)


def test_surplus_word_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    said = refuse(cli.build_parser(), "info a.tflite b.tflite", capsys)
    assert said == "edge-dce info: error: unexpected argument: 'b.tflite'; see: edge-dce info --help"


def test_glued_values_abbreviations_and_joined_letters_are_understood() -> None:
    words = shlex.split("enhance -rnq -obright -mzero-dce-128x128-int8 --str 0.5 --suffix=-x -- -night.jpg")
    arguments = cli.build_parser().parse_args(words)
    assert (arguments.output, arguments.model, arguments.strength) == ("bright", "zero-dce-128x128-int8", 0.5)
    assert arguments.recursive
    assert arguments.dry_run
    assert arguments.quiet
    assert (arguments.suffix, arguments.inputs) == ("-x", ["-night.jpg"])


def test_help_is_given_beside_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        cli.main(["enhance", "--strenght", "1.3", "--help"])
    assert capsys.readouterr().out.startswith("usage: edge-dce enhance ")
