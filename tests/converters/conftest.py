"""What the tests of several modules convert."""

from pathlib import Path

import pytest

from tests.generate_models import build_tiny_network, write_dark_pictures


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """tiny.keras and the folders dark/ and evaluation/."""
    folder = tmp_path_factory.mktemp("tiny")
    build_tiny_network().save(folder / "tiny.keras")
    write_dark_pictures(folder / "dark", 6)
    write_dark_pictures(folder / "evaluation", 3)
    return folder
