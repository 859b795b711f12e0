"""What clips say about themselves, read back from what was written."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import edge_dce
from edge_dce.enhancer import Enhancer
from edge_dce.enhancing.video import enhance_video
from edge_dce.files.containers import CONTAINERS
from edge_dce.pixels.look import Look
from tests.edge_dce.enhancing import clips

av = clips.av
ROOT = Path(__file__).resolve().parents[3]
UNCHANGED = Look(strength=0)
PLACE = "+01.0000+002.0000/"
PHONE_TAGS = {
    "com.apple.quicktime.make": "Example",
    "com.apple.quicktime.model": "Phone",
    "com.apple.quicktime.location.ISO6709": PLACE,
    "com.apple.quicktime.creationdate": "2024-05-01T20:15:00+0200",
    "title": "the night",
}
PTS = tuple(range(0, 12_800, 512))
CHAPTERS = [
    {"id": number, "start": start, "end": end, "time_base": Fraction(1, 1000), "metadata": {"title": title}}
    for number, (start, end, title) in enumerate([(0, 200, "dusk"), (200, 500, "night")], 1)
]
FORCED, DEAF, DEFAULT = (
    av.stream.Disposition.forced,
    av.stream.Disposition.hearing_impaired,
    av.stream.Disposition.default,
)


@pytest.fixture(scope="module")
def enhancer() -> Enhancer:
    return edge_dce.load(ROOT / "tests" / "models" / "tiny-16x16-int8.tflite", threads=1)


def write_phone_clip(path: Path) -> Path:
    return clips.write_clip(path, metadata=PHONE_TAGS, options={"movflags": "use_metadata_tags"}, format_name="mov")


def read_tags(path: Path) -> dict[str, str]:
    with av.open(str(path)) as container:
        return {name.lower(): value for name, value in container.metadata.items()}


@pytest.mark.parametrize("suffix", [".mov", ".mp4", ".m4v", ".mkv", ".webm"])
def test_place_date_and_device_of_phones_are_kept(tmp_path: Path, enhancer: Enhancer, suffix: str) -> None:
    source, target = write_phone_clip(tmp_path / "IMG_0001.MOV"), tmp_path / f"out{suffix}"
    stages = enhance_video(source, target, enhancer, look=UNCHANGED)
    tags = read_tags(target)
    assert {name: tags.get(name.lower()) for name in PHONE_TAGS} == PHONE_TAGS
    # The name by which other programs look for the place.
    assert tags["location"] == PLACE
    assert not any("left out" in note for note in stages.notes)


def test_tags_that_a_container_cannot_hold_are_named(tmp_path: Path, enhancer: Enhancer) -> None:
    source = write_phone_clip(tmp_path / "IMG_0001.MOV")
    stages = enhance_video(source, tmp_path / "out.avi", enhancer, look=UNCHANGED)
    (note,) = (note for note in stages.notes if note.startswith("left out"))
    assert all(name in note for name in PHONE_TAGS if name != "title")
    assert read_tags(tmp_path / "out.avi")["title"] == "the night"


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".avi"])
def test_every_tag_that_a_container_is_said_to_hold_comes_back(tmp_path: Path, enhancer: Enhancer, suffix: str) -> None:
    names = CONTAINERS[suffix].tags
    assert names is not None
    values = {"creation_time": "2024-05-01T18:15:00.000000Z", "date": "2024-05-01", "location": PLACE}
    # Some fields hold numbers only.
    tags = {name: values.get(name, "7") for name in names}
    source = clips.write_clip(tmp_path / "in.mkv", metadata=tags, pts=(0, 512), sound=None)
    assert enhance_video(source, tmp_path / f"out{suffix}", enhancer, look=UNCHANGED).notes == ()
    found = read_tags(tmp_path / f"out{suffix}")
    assert {name: found.get(name) for name in tags} == tags


def test_unknown_tags_leave_the_title_where_players_look_for_it(tmp_path: Path, enhancer: Enhancer) -> None:
    source = clips.write_clip(tmp_path / "in.mkv", metadata={"title": "the night", "MOOD": "quiet"}, pts=(0, 512))
    stages = enhance_video(source, tmp_path / "out.mp4", enhancer, look=UNCHANGED)
    assert "left out: tags (MOOD)" in stages.notes
    # The field of iTunes, which every player reads.
    assert b"\xa9nam" in (tmp_path / "out.mp4").read_bytes()


def test_names_of_tags_cannot_write_to_the_terminal(tmp_path: Path, enhancer: Enhancer) -> None:
    tags = {"\x1b[31mRED": "x", "L" * 500: "x", **{f"TAG{number}": "x" for number in range(100)}}
    source = clips.write_clip(tmp_path / "in.mkv", metadata=tags, pts=(0, 512), sound=None)
    (note,) = enhance_video(source, tmp_path / "out.mp4", enhancer, look=UNCHANGED).notes
    assert note.isprintable()
    assert len(note) < 400


def write_rich_clip(path: Path) -> Path:
    """Chapters, a subtitle, and two sound tracks: the second is the default, the first forced and for the deaf."""
    tones = {}
    with av.open(str(path), "w") as container:
        container.set_chapters(CHAPTERS)
        video = container.add_stream("libx264", rate=25)
        video.width, video.height = 96, 64
        for language, flags in (("deu", FORCED | DEAF), ("eng", DEFAULT)):
            sound = container.add_stream("aac", rate=clips.SOUND_RATE)
            sound.metadata["language"], sound.disposition = language, flags
            tones[language] = sound
        for number in range(13):
            frame = av.VideoFrame.from_ndarray(clips.make_frame(number, 96, 64))
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(video.encode(frame))
        container.mux(video.encode())
        for sound in tones.values():
            for start in range(0, 8000, 1000):
                frame = av.AudioFrame.from_ndarray(np.zeros((1, 2000), np.int16), "s16", "stereo")
                frame.sample_rate, frame.pts = clips.SOUND_RATE, start
                container.mux(sound.encode(frame))
            container.mux(sound.encode(None))
    return path


def describe(path: Path) -> tuple[list[tuple[str, int]], list[tuple[str, float, float]]]:
    """Language and flags of the sound tracks, and title, start and end of the chapters."""
    with av.open(str(path)) as container:
        sounds = [(each.metadata.get("language", ""), int(each.disposition)) for each in container.streams.audio]
        chapters = [
            (
                each["metadata"]["title"],
                float(each["start"] * each["time_base"]),
                float(each["end"] * each["time_base"]),
            )
            for each in container.chapters()
        ]
    return sounds, chapters


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".mov", ".webm", ".avi"])
def test_tracks_and_chapters_are_kept_or_named(tmp_path: Path, enhancer: Enhancer, suffix: str) -> None:
    source, target = write_rich_clip(tmp_path / "in.mkv"), tmp_path / f"out{suffix}"
    notes = enhance_video(source, target, enhancer, look=UNCHANGED).notes
    left_out = next((note for note in notes if note.startswith("left out")), "")
    sounds, chapters = describe(target)
    assert len(sounds) == 2
    if suffix != ".avi":
        # QuickTime's name of before 1998 for the same language.
        assert [language for language, _ in sounds] == ["ger" if suffix == ".mov" else "deu", "eng"]
        assert chapters == [
            ("dusk", 0, pytest.approx(0.2, abs=1e-3)),
            ("night", pytest.approx(0.2), pytest.approx(0.5)),
        ]
    else:
        assert "2 chapters" in left_out
    kept = {".mkv": FORCED | DEAF, ".webm": FORCED}.get(suffix, av.stream.Disposition(0))
    if kept:
        assert [flags for _, flags in sounds] == [int(kept), int(DEFAULT)]
    assert ("the mark 'forced' of a sound track" in left_out) == (FORCED not in kept)
    assert ("the mark 'for the hard of hearing' of a sound track" in left_out) == (DEAF not in kept)


def test_what_is_not_carried_along_is_named(tmp_path: Path, enhancer: Enhancer) -> None:
    with av.open(str(tmp_path / "in.mkv"), "w") as container:
        container.add_attachment("font.ttf", "font/ttf", b"letters")
        video = container.add_stream("libx264", rate=25)
        video.width, video.height = 96, 64
        container.mux(video.encode(av.VideoFrame.from_ndarray(clips.make_frame(0, 96, 64))))
        container.mux(video.encode())
    stages = enhance_video(tmp_path / "in.mkv", tmp_path / "out.mp4", enhancer, look=UNCHANGED)
    assert stages.notes == ("left out: 1 attachment",)


@pytest.mark.parametrize(("suffix", "codecs"), [(".webm", ("vp9", "opus")), (".avi", ("mpeg4", "mp3"))])
def test_other_containers_get_what_they_hold_and_that_is_said(
    tmp_path: Path, enhancer: Enhancer, suffix: str, codecs: tuple[str, str]
) -> None:
    source, target = clips.write_clip(tmp_path / "in.mp4", pts=PTS), tmp_path / f"out{suffix}"
    notes = enhance_video(source, target, enhancer, look=UNCHANGED).notes
    assert f"aac sound encoded anew: {suffix} cannot hold it" in notes
    with av.open(str(target)) as container:
        # FFmpeg decodes MP3 by a decoder of another name.
        found = [each.codec_context.name.removesuffix("float") for each in container.streams]
        assert tuple(found) == codecs
        duration_s = container.duration / av.time_base
    # Encoders of sound add their delay and fill the last packet: of MP3 two packets of 24 ms at most, each.
    assert duration_s == pytest.approx(1, abs=0.1)
    assert clips.read_pts(target) == pytest.approx([number / 25 for number in range(25)], abs=1e-3)
    before, after = clips.read_frames(source), clips.read_frames(target)
    # Both encoders lose more than x264 at its best, on average a level or two.
    assert np.abs(np.subtract(before, after, dtype=np.int16)).mean() < 4


def test_frames_without_a_place_of_their_own_take_the_nearest(tmp_path: Path, enhancer: Enhancer) -> None:
    source = clips.write_clip(tmp_path / "in.mp4", sound=None)
    enhance_video(source, tmp_path / "out.avi", enhancer, look=UNCHANGED)
    found, expected = clips.read_pts(tmp_path / "out.avi"), clips.read_pts(source)
    assert len(found) == len(expected)
    assert sorted(set(found)) == found


def test_gaps_between_frames_stay_where_there_is_one_rate(tmp_path: Path, enhancer: Enhancer) -> None:
    # A phone at 25 frames a second that pauses in the dark, so that there are 10 a second on average.
    shown = [*range(8), *range(8, 40, 4)]
    source = clips.write_clip(tmp_path / "in.mp4", sound=None, pts=tuple(512 * number for number in shown))
    enhance_video(source, tmp_path / "out.avi", enhancer, look=UNCHANGED)
    assert clips.read_pts(tmp_path / "out.avi") == [Fraction(number, 25) for number in shown]


def test_sound_that_matroska_cannot_hold_is_encoded_anew(tmp_path: Path, enhancer: Enhancer) -> None:
    source = clips.write_clip(tmp_path / "camera.avi", pts=PTS, sound="pcm_mulaw")
    notes = enhance_video(source, tmp_path / "out.mkv", enhancer, look=UNCHANGED).notes
    assert notes == ("pcm_mulaw sound encoded anew: .mkv cannot hold it",)
    with av.open(str(tmp_path / "out.mkv")) as container:
        assert container.streams.audio[0].codec_context.name == "opus"
        length = sum(frame.samples for frame in container.decode(audio=0)) / 48_000
    # Opus fills its last packet of 20 ms.
    assert length == pytest.approx(1, abs=0.03)


def test_shape_of_pixels_is_that_of_the_container(tmp_path: Path, enhancer: Enhancer) -> None:
    # H.263 of this size has pixels of 12:11 by itself, whatever the container says.
    source = clips.write_clip(
        tmp_path / "in.mov",
        size=(176, 144),
        pts=PTS,
        sound=None,
        codec="h263",
        codec_options={"aspect": "1"},
        encoder_base=Fraction(1, 25),
    )
    with av.open(str(source)) as container:
        assert container.streams.video[0].codec_context.sample_aspect_ratio == Fraction(12, 11)
    enhance_video(source, tmp_path / "out.mp4", enhancer, look=UNCHANGED)
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.video[0].sample_aspect_ratio == 1


@pytest.mark.parametrize(
    ("name", "result"), [("old.avi", "old.avi-enhanced.mkv"), ("web.webm", "web.webm-enhanced.mkv")]
)
def test_other_containers_are_written_only_when_asked_for(tmp_path: Path, name: str, result: str) -> None:
    from edge_dce.enhancing.jobs import plan_jobs

    (tmp_path / name).touch()
    assert [job.target for job in plan_jobs([str(tmp_path / name)], None).jobs] == [tmp_path / f"{name}-enhanced.mkv"]
