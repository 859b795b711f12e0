"""The kinds of video files: which are read, which are written, and what each can hold. Needs no PyAV."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

# FFmpeg's readers of one file each. Those that open what a file names, such as playlists, stay closed, and so do those
# of pictures and of devices.
_DEMUXERS: Mapping[str, tuple[str, ...]] = {
    "mov,mp4,m4a,3gp,3g2,mj2": (".3gp", ".m4v", ".mov", ".mp4"),
    "matroska,webm": (".mkv", ".webm"),
    "avi": (".avi",),
    "mpegts": (".m2ts", ".mts", ".ts"),
    "mpeg": (".mpeg", ".mpg"),
    "mpegvideo": (".mpeg", ".mpg"),
    "asf": (".wmv",),
}
# Streams of pictures without a container, which know no times; they are recognized to be refused with reason.
_RAW_DEMUXERS: Mapping[str, tuple[str, ...]] = {"h264": (".264", ".h264"), "hevc": (".265", ".h265", ".hevc")}

READABLE_SUFFIXES = frozenset(suffix for suffixes in _DEMUXERS.values() for suffix in suffixes)
RAW_SUFFIXES = frozenset(suffix for suffixes in _RAW_DEMUXERS.values() for suffix in suffixes)
# For FFmpeg's option format_whitelist.
DEMUXERS = ",".join([*_DEMUXERS, *_RAW_DEMUXERS])
RAW_FORMATS = frozenset(_RAW_DEMUXERS)
# Their clocks may jump, because they are recorded from the air and joined by copying; any other pause is meant.
JUMPING_FORMATS = frozenset({"mpegts", "mpeg"})

# What each container's own fields take; a test writes and reads each.
_COMMON_TAGS = frozenset(("artist", "comment", "copyright", "date", "genre", "title"))
_AVI_TAGS = _COMMON_TAGS | {"encoded_by", "language", "track"}
_MOV_TAGS = _COMMON_TAGS | {"album", "creation_time", "location", "make", "model"}
_MP4_TAGS = (
    _COMMON_TAGS
    | {"album", "album_artist", "compilation", "composer", "creation_time", "description", "episode_id", "grouping"}
    | {"keywords", "location", "lyrics", "network", "season_number", "show", "synopsis", "track"}
)
# FFmpeg's flags of a sound track, besides which is the default, for people.
FLAG_WORDS = {"forced": "forced", "hearing_impaired": "for the hard of hearing", "visual_impaired": "for the blind"}


@dataclasses.dataclass(frozen=True)
class Container:
    """A kind of file that is written.

    Attributes:
        format: FFmpeg's name.
        codec: of the pictures, for people.
        tags: the names of tags that its own fields take; None: any.
        has_free_tags: it also takes the dotted names that phones write, in fields that fewer players read.
        has_lead_in: sound from before the first picture is kept and not played, as decoders need it.
        has_chapters: it keeps them.
        flags: of sound tracks, besides which is the default: FFmpeg's names.
        has_times: every frame has a time of its own; else there is one rate.
        copied_sound: the codecs that are copied; None: all that FFmpeg puts into it.
        sound_encoder: FFmpeg's name of what makes of other sound what fits; empty: other sound is refused.
        is_default: written for sources of the same suffix that name no target.
    """

    format: str
    codec: str = "H.264"
    tags: frozenset[str] | None = None
    has_free_tags: bool = False
    has_lead_in: bool = False
    has_chapters: bool = True
    flags: frozenset[str] = frozenset()
    has_times: bool = True
    copied_sound: frozenset[str] | None = None
    sound_encoder: str = ""
    is_default: bool = True


_MP4 = Container("mp4", tags=_MP4_TAGS, has_free_tags=True, has_lead_in=True)
CONTAINERS: Mapping[str, Container] = {
    ".avi": Container(
        "avi",
        "MPEG-4 Part 2",
        tags=_AVI_TAGS,
        has_chapters=False,
        has_times=False,
        copied_sound=frozenset({"ac3", "mp2", "mp3", "mp3float", "pcm_s16le", "pcm_u8"}),
        sound_encoder="libmp3lame",
        is_default=False,
    ),
    ".m4v": _MP4,
    ".mkv": Container(
        "matroska",
        flags=frozenset({"forced", "hearing_impaired", "visual_impaired"}),
        # FFmpeg puts no sound of Windows into it.
        sound_encoder="libopus",
    ),
    ".mov": dataclasses.replace(_MP4, format="mov", tags=_MOV_TAGS),
    ".mp4": _MP4,
    ".webm": Container(
        "webm",
        "VP9",
        flags=frozenset({"forced"}),
        copied_sound=frozenset({"opus", "vorbis"}),
        sound_encoder="libopus",
        is_default=False,
    ),
}
WRITABLE_SUFFIXES = frozenset(CONTAINERS)
# A source of another suffix becomes .mkv where no target is named.
DEFAULT_SUFFIXES = frozenset(suffix for suffix, container in CONTAINERS.items() if container.is_default)
