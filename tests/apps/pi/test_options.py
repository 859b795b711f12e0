"""Flags and the TOML file that may hold them."""

import sys
from pathlib import Path

import pytest

from apps.pi.options import LiveOptions, is_loopback, parse_address, read_options
from apps.pi.outputs.retention import Keep
from edge_dce.pixels.look import Look

TOKEN = "correct-horse-battery"

if sys.version_info < (3, 11):
    pytest.importorskip("tomli")


def read_toml(tmp_path: Path, text: str, *flags: str) -> LiveOptions:
    path = tmp_path / "pi.toml"
    path.write_text(text)
    return read_options(["--config", str(path), *flags])


def assert_refused(capsys: pytest.CaptureFixture[str], flags: list[str], message: str) -> None:
    with pytest.raises(SystemExit) as caught:
        read_options(flags)
    assert caught.value.code == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert message in error


@pytest.mark.parametrize(("stdout", "other"), [("raw", "mpegts"), ("mpegts", "raw")])
def test_every_flag_has_a_key_in_the_file_that_means_the_same(stdout: str, other: str, tmp_path: Path) -> None:
    text = f"""
        source = "usb:0"
        size = "640x480"
        fps = 15
        once = true
        model = "zero-dce-128x128-int8"
        contract = "curves"
        accelerator = "cpu"
        threads = 3
        strength = 0.8
        max-brightness = 0.9
        denoise = 0.5
        smooth = false
        auto = true
        http = "0.0.0.0:9000"
        token = "{TOKEN}"
        quality = 70
        record = "night.mp4"
        stills = "pictures"
        every = "5m"
        keep = "10GB"
        {stdout} = true
        rtsp = "rtsp://server/night"
        virtual-camera = "auto"
        screen = true
    """
    flags = [
        *("--source", "usb:0", "--size", "640x480", "--fps", "15", "--once", "--model", "zero-dce-128x128-int8"),
        *(
            "--contract",
            "curves",
            "--accelerator",
            "cpu",
            "--threads",
            "3",
            "--strength",
            "0.8",
            "--max-brightness",
            "0.9",
            "--denoise",
            "0.5",
        ),
        *("--no-smooth", "--auto", "--http", "0.0.0.0:9000", "--token", TOKEN, "--quality", "70"),
        *("--record", "night.mp4", "--stills", "pictures", "--every", "5m", "--keep", "10GB", "--screen"),
        *(f"--{stdout}", "--rtsp", "rtsp://server/night", "--virtual-camera", "auto"),
    ]
    from_file = read_toml(tmp_path, text)
    from_flags = read_options([*flags, "--config", str(from_file.config)])
    assert from_file == from_flags
    # Nothing in the list above may be a default, or the comparison would prove nothing of it; one of two fits stdout.
    defaults = read_options([])
    same = {name for name, value in vars(from_file).items() if value == getattr(defaults, name)}
    assert same == {other}
    assert from_file.look == Look(0.8, 0.9, 0.5)
    assert from_file.every_s == 300


def test_file_may_say_that_noise_is_measured(tmp_path: Path) -> None:
    assert read_toml(tmp_path, 'denoise = "auto"').look == Look()
    assert read_toml(tmp_path, 'denoise = "auto"', "--denoise", "0").look == Look(denoise=0)


def test_command_line_wins_over_the_file(tmp_path: Path) -> None:
    options = read_toml(tmp_path, "auto = true\nstrength = 0.5\nfps = 10", "--no-auto", "--strength", "1.2")
    assert (options.auto, options.look.strength, options.fps) == (False, 1.2, 10)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colour = 1", "unknown key 'colour'; expected keys are: accelerator auto"),
        ("auto = 1", "expected true or false for 'auto', found 1"),
        ("fps = true", "expected a text or a number for 'fps', found True"),
        ("size = [640, 480]", "expected a text or a number for 'size'"),
        ("fps = -1", "argument --fps: expected a number above 0"),
        ("size = 640", "argument --size: expected WxH"),
        ("strength =", "expected TOML, found something else"),
        ("strength = 7", "argument --strength: expected a number from 0 to 1.5"),
        ('every = "10 parsecs"', "expected a time of 1 s or more"),
        ("config = 'x'", "unknown key 'config'"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(
    text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "pi.toml"
    path.write_text(text)
    assert_refused(capsys, ["--config", str(path)], message)


def test_missing_file_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert_refused(capsys, ["--config", str(tmp_path / "none.toml")], "none.toml: cannot be read (No such file")


@pytest.mark.parametrize("address", ["0.0.0.0:8000", ":8000", "[::]:8000", "192.168.1.5:80", "camera.local:8000"])
def test_beyond_loopback_a_token_is_needed(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert_refused(capsys, ["--http", address], "could watch this camera; add --token")
    assert read_options(["--http", address, "--token", TOKEN]).token == TOKEN


@pytest.mark.parametrize("address", ["127.0.0.1:8000", "localhost:8000", "[::1]:8000", "127.1.2.3:1"])
def test_on_loopback_none_is(address: str) -> None:
    assert read_options(["--http", address]).token is None


def test_name_that_only_looks_like_loopback_is_not() -> None:
    assert not is_loopback("127.0.0.1.example.org")
    assert not is_loopback("")


def test_token_from_file_or_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\nthe second line is no part of it\n")
    assert read_options(["--token-file", str(tmp_path / "token")]).token == TOKEN
    monkeypatch.setenv("EDGE_DCE_PI_TOKEN", TOKEN[::-1])
    assert read_options([]).token == TOKEN[::-1]
    assert read_options(["--token", TOKEN]).token == TOKEN


def test_token_that_cannot_be_read_names_its_file_once_and_what_is_expected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "token"
    with pytest.raises(SystemExit, match="2"):
        read_options(["--token-file", str(path)])
    said = capsys.readouterr().err
    assert said.count(str(path)) == 1
    assert said.endswith("(No such file or directory); name a file whose first line is the token\n")
    path.write_bytes(b"\xff" * 20)
    assert_refused(capsys, ["--token-file", str(path)], "expected a token of plain characters")


@pytest.mark.parametrize("token", ["", "short", "with a line\nbreak in it", "ungewöhnlich-aber-lang"])
def test_weak_or_unsendable_token_is_refused(token: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert_refused(capsys, ["--token", token], "expected a token of 16 or more plain characters")


@pytest.mark.parametrize("token", [f" {TOKEN}", f"{TOKEN} "])
def test_token_that_a_header_would_trim_is_refused(token: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert_refused(capsys, ["--token", token], "no spaces around them")


@pytest.mark.parametrize(
    ("text", "keep"),
    [
        ("10GB", Keep(size_bytes=10**10)),
        ("1.5gb", Keep(size_bytes=1_500_000_000)),
        ("500 MB", Keep(size_bytes=500_000_000)),
        ("7d", Keep(age_s=7 * 86400)),
        ("12h", Keep(age_s=12 * 3600)),
    ],
)
def test_keep_is_a_size_or_an_age(text: str, keep: Keep) -> None:
    assert read_options(["--stills", "pictures", "--keep", text]).keep == keep


@pytest.mark.parametrize("text", ["", "10", "GB", "-1GB", "0d", "1e9GB", "10 parsecs", "9" * 5000 + "GB"])
def test_impossible_keep_is_told(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert_refused(capsys, ["--stills", "pictures", f"--keep={text}"], "expected a size or an age such as 500MB")


def test_keep_alone_means_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert_refused(capsys, ["--keep", "7d"], "add one of them")


@pytest.mark.parametrize("text", ["8000", "localhost", "localhost:http", "localhost:99999", ""])
def test_impossible_address_is_told(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert_refused(capsys, ["--http", text], "expected --http HOST:PORT")


def test_address_may_be_off() -> None:
    assert parse_address("off") is None


def test_one_stream_fits_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert_refused(capsys, ["--raw", "--mpegts"], "--raw and --mpegts both write to stdout")


@pytest.mark.parametrize(
    "flags",
    [
        ["--rtsp", "http://eve:secret@server/night"],
        ["--rtsp", "eve:secret@server"],
        ["--rtsp", "rtsp://eve:secret/@server/night"],
        ["rtsp://eve:secret@server/night"],
    ],
)
def test_wrong_address_is_refused_without_its_password(flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        read_options(flags)
    assert caught.value.code == 2
    assert "secret" not in capsys.readouterr().err


@pytest.mark.parametrize("flags", [["--sourc=http://cam/x?password=secret"], ["--sourc", "rtsp://eve:secret@cam/x"]])
def test_mistyped_option_shows_no_password(flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read_options(flags)
    assert "secret" not in capsys.readouterr().err
