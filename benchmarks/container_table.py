"""What of a clip is read, written, kept and left out: a table of the documents, from what the code itself goes by."""

from __future__ import annotations

from edge_dce.files.containers import CONTAINERS, FLAG_WORDS, RAW_SUFFIXES, READABLE_SUFFIXES, Container

_EVERY_TAG, _PHONE_TAGS = "all", "those of phones (names with dots), else "


def render_containers() -> str:
    """What is read, and a row for each kind of file that is written."""
    lines = [
        f"Read: {_list_suffixes(READABLE_SUFFIXES)}. Refused with the command that helps, because they know no times: "
        f"{_list_suffixes(RAW_SUFFIXES)}. All else is refused: playlists, for instance, which open other files.",
        "",
        "| written | pictures | frame times | sound | tags | chapters | marks of sound tracks |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    kinds: dict[Container, list[str]] = {}
    for suffix, container in CONTAINERS.items():
        kinds.setdefault(container, []).append(suffix)
    lines += [_make_row(container, suffixes) for container, suffixes in kinds.items()]
    return "\n".join(lines)


def _make_row(container: Container, suffixes: list[str]) -> str:
    marks = ["default", *(words for flag, words in FLAG_WORDS.items() if flag in container.flags)]
    cells = [
        _list_suffixes(suffixes) + ("" if container.is_default else ", when asked for"),
        f"{container.codec}, 8 bits, 4:2:0",
        "kept" if container.has_times else "the nearest at one rate",
        _describe_sound(container),
        _describe_tags(container),
        "kept" if container.has_chapters else "named as left out",
        ", ".join(marks),
    ]
    return f"| {' | '.join(cells)} |"


def _list_suffixes(suffixes: frozenset[str] | list[str]) -> str:
    return " ".join(f"`{suffix}`" for suffix in sorted(suffixes))


def _describe_sound(container: Container) -> str:
    if container.copied_sound is None:
        return (
            f"copied, else encoded anew by {container.sound_encoder}"
            if container.sound_encoder
            else "copied, or refused"
        )
    # A decoder's second name for the same codec.
    copied = sorted(codec for codec in container.copied_sound if not codec.endswith("float"))
    return f"copied ({', '.join(copied)}), else encoded anew by {container.sound_encoder}"


def _describe_tags(container: Container) -> str:
    if container.tags is None:
        return _EVERY_TAG
    return (_PHONE_TAGS if container.has_free_tags else "") + ", ".join(sorted(container.tags))
