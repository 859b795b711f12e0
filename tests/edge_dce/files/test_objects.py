"""Addresses of object stores as places: what they are called, and where their results go. No store is asked."""

import pickle
from pathlib import Path

import pytest

from edge_dce.enhancing.jobs import Naming
from edge_dce.errors import ImageError
from edge_dce.files.objects import ObjectPath, parse_place


@pytest.mark.parametrize("text", ["s3://bucket/folder/night.jpg", "S3://bucket/folder/night.jpg"])
def test_address_keeps_its_slashes(text: str) -> None:
    place = parse_place(text)
    assert isinstance(place, ObjectPath)
    assert (str(place), place.key) == ("s3://bucket/folder/night.jpg", "bucket/folder/night.jpg")
    assert str(place.parent / "x" / "y.png") == "s3://bucket/folder/x/y.png"
    assert str(place.bucket) == "s3://bucket"
    assert pickle.loads(pickle.dumps(place)) == place


def test_scheme_in_capitals_is_the_same_place() -> None:
    place = parse_place("S3://bucket/Folder/night.jpg")
    assert place == parse_place("s3://bucket/Folder/night.jpg")
    assert str(place.relative_to(parse_place("s3://bucket/Folder"))) == "night.jpg"


def test_what_is_no_such_address_is_a_path() -> None:
    assert parse_place("s3") == Path("s3")
    assert isinstance(parse_place("photos/s3://x"), Path)


def test_address_without_a_bucket_is_refused() -> None:
    with pytest.raises(ImageError, match="expected a bucket"):
        parse_place("s3://")


def test_results_are_called_by_the_rule_of_folders() -> None:
    source = ObjectPath("s3://bucket/dark/night.gif")
    assert str(Naming().place(source, ObjectPath("s3://bucket/dark"))) == "s3://bucket/dark/night.gif-enhanced.png"
    assert str(Naming().place(source, ObjectPath("s3://other/bright"))) == "s3://other/bright/night.gif.png"
    assert Naming(picture_suffix=".webp").place(source, Path("bright")) == Path("bright/night.gif.webp")
    assert str(Naming().place(Path("dark/a.jpg"), ObjectPath("s3://b/c"))) == "s3://b/c/a.jpg"
