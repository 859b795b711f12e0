import dataclasses
import re

import pytest

from edge_dce.cli import main
from edge_dce.errors import CardError
from edge_dce.models.card import ModelFile, read_model_file
from edge_dce.models.catalog import DEFAULT_MODEL, bundled_models, find_model
from edge_dce.models.model_page import render_page


def split_page(page: str) -> tuple[str, str]:
    """The YAML header and what follows it."""
    empty, header, body = page.split("---\n", 2)
    assert empty == ""
    return header, body


@pytest.fixture
def model() -> ModelFile:
    return read_model_file(find_model(DEFAULT_MODEL))


@pytest.mark.parametrize("path", bundled_models(), ids=lambda path: path.stem)
def test_page_of_every_bundled_model_tells_its_training_and_its_fidelity(path) -> None:
    model = read_model_file(path)
    card = model.card
    assert card is not None
    assert card.fidelity is not None
    header, body = split_page(render_page(model))
    assert "license: apache-2.0\n" in header
    assert f"- {card.contract}\n- {card.precision}\n" in header
    for fact in (card.name, card.sha256, card.source.data, card.source.recipe, f"{card.fidelity.psnr_db:.2f} dB"):
        assert fact in body


def test_header_is_plain_yaml(model: ModelFile) -> None:
    header, _ = split_page(render_page(model))
    assert all(re.fullmatch(r"(\w+:( [\w.-]+)?|- [\w.-]+)", line) for line in header.splitlines())


def test_what_was_not_measured_is_said(model: ModelFile) -> None:
    assert model.card is not None
    bare = dataclasses.replace(model, card=dataclasses.replace(model.card, fidelity=None, calibration=None))
    _, body = split_page(render_page(bare))
    assert "Not measured." in body
    assert "## Calibration" not in body


def test_bars_in_what_a_card_says_do_not_break_the_table(model: ModelFile) -> None:
    assert model.card is not None
    source = dataclasses.replace(model.card.source, data="a | b\nc")
    _, body = split_page(render_page(dataclasses.replace(model, card=dataclasses.replace(model.card, source=source))))
    assert r"| data | a \| b c |" in body


def test_file_without_a_card_has_no_page(model: ModelFile) -> None:
    with pytest.raises(CardError, match="expected a card to make a page of, found none"):
        render_page(dataclasses.replace(model, card=None))


def test_info_prints_the_page(model: ModelFile, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "--markdown"]) == 0
    assert capsys.readouterr().out == render_page(model)
