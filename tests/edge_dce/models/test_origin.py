"""What people read of where a network comes from."""

from typing import Any

from edge_dce.models.origin import Origin

DATA = {"title": "LOL", "train_files": 370, "train_sha256": "a" * 64}


def describe(data: dict[str, Any], *, uses_partners: bool = False) -> str:
    return Origin({}, 1, data, "edge", uses_partners).shown


def test_pictures_and_panoramas_are_counted_and_hashed() -> None:
    assert describe(DATA) == "LOL, 370 low-light pictures, sha256 aaaaaaaaaaaaaaaa"
    assert "370 low-light pictures and their normal-light partners" in describe(DATA, uses_partners=True)
    both = DATA | {"panorama_files": 46, "panoramas_sha256": "b" * 64}
    assert describe(both).endswith(", views of 46 panoramas, sha256 bbbbbbbbbbbbbbbb")


def test_what_a_network_never_saw_is_not_named() -> None:
    clean = {
        "title": "Poly Haven",
        "train_files": 0,
        "train_sha256": "",
        "panorama_files": 2,
        "panoramas_sha256": "c" * 64,
    }
    assert describe(clean, uses_partners=True) == "Poly Haven, views of 2 panoramas, sha256 cccccccccccccccc"
