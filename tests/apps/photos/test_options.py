"""The flags of `edge-dce web`."""

import pytest

from apps.photos.options import read_options

TOKEN = "correct-horse-battery"


@pytest.fixture(autouse=True)
def without_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EDGE_DCE_PI_TOKEN", raising=False)


def test_only_this_machine_is_served_unless_told_otherwise() -> None:
    assert read_options([]).http == ("127.0.0.1", 8001)


def test_other_machines_are_served_with_a_token() -> None:
    options = read_options(["--http", ":8001", "--token", TOKEN])
    assert (options.http, options.token) == (("", 8001), TOKEN)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--http", ":8001"], "add --token"),
        (["--http", "192.168.1.2:8001"], "add --token"),
        (["--http", "off"], "expected --http HOST:PORT"),
        (["--token", "short"], "expected a token of 16"),
    ],
)
def test_what_cannot_be_served_is_refused(flags: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        read_options(flags)
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err
