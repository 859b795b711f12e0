"""Pictures in an object store, by addresses such as s3://bucket/folder/name.jpg, through fsspec.

A store knows keys, not folders: what stands between the slashes of a key is taken for folders. An object appears when
it is whole. Who may read and write is settled where each store's own programs settle it, for S3 in AWS_ACCESS_KEY_ID,
AWS_PROFILE, AWS_ENDPOINT_URL and their like.
"""

from __future__ import annotations

import collections
import contextlib
import errno
import functools
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from edge_dce.errors import EdgeDceError, ImageError, OutputError
from edge_dce.files.formats.limits import MOST_FILE_BYTES
from edge_dce.files.formats.registry import READABLE_SUFFIXES

SCHEMES = ("s3",)
# What pip installs to bring the stores.
_EXTRA = "cluster"
_ADDRESS = re.compile(rf"({'|'.join(SCHEMES)}):/+", re.IGNORECASE)
# Ask again before giving up: a request is lost now and then, and a store that is gone shall be told of in seconds.
_ATTEMPTS, _CONNECT_S, _READ_S = 4, 5, 60


class ObjectPath(PurePosixPath):
    """The place of an object or a folder of objects; its text is an address."""

    __slots__ = ()

    def __str__(self) -> str:
        # As a path it has one slash.
        return _ADDRESS.sub(r"\1://", super().__str__(), count=1)

    @property
    def bucket(self) -> ObjectPath:
        return ObjectPath(*self.parts[:2])

    @property
    def is_bucket(self) -> bool:
        return len(self.parts) == 2

    @property
    def key(self) -> str:
        """Bucket and name, as fsspec takes them."""
        return "/".join(self.parts[1:])

    def find(self, key: str) -> ObjectPath:
        """What has a key, bucket and name, in the same store."""
        return ObjectPath(self.parts[0], key)


# Where a picture is, or goes.
Place = Path | ObjectPath


def parse_place(text: str) -> Place:
    """An address of an object store, or a path of this machine.

    Raises:
        ImageError: an address without a bucket.
    """
    if _ADDRESS.match(text) is None or Path(text).exists():
        return Path(text)
    # Places are compared, and found below each other: each has one spelling.
    place = ObjectPath(_ADDRESS.sub(lambda found: found[0].lower(), text, count=1))
    if len(place.parts) < 2:
        raise ImageError(f"{text}: expected a bucket, as in s3://bucket/folder, found none")
    return place


def is_folder(place: Place) -> bool:
    """Whether there are files or objects below a place.

    Raises:
        ImageError: a store does not answer, or refuses.
    """
    if isinstance(place, ObjectPath):
        return _find_kind(place) == "directory"
    try:
        return place.is_dir()
    except OSError:
        # What cannot be looked at is told of where it is read or written.
        return False


def check_object(place: ObjectPath) -> None:
    """Raise ImageError where nothing has this address, and nothing lies below it."""
    if _find_kind(place) is None:
        raise ImageError(f"{place}: no such bucket, folder or object; check the address")


def _find_kind(place: ObjectPath) -> str | None:
    """ "file", "directory" or None."""
    with _explain(place, ImageError), contextlib.suppress(FileNotFoundError):
        return str(_open_store().info(place.key)["type"])
    return None


def list_pictures(
    folder: ObjectPath, *, is_recursive: bool = False, without: Place | None = None
) -> tuple[list[ObjectPath], collections.Counter[str]]:
    """The pictures below an address, sorted, and what else is there, by kind: as `edge_dce.files.folders.list_folder`.

    A picture is one by its suffix. No object is opened to look.

    Raises:
        ImageError: the store does not answer, refuses, or has no such folder.
    """
    pictures: list[ObjectPath] = []
    left_out: collections.Counter[str] = collections.Counter()
    for place in _list(folder, is_recursive=is_recursive):
        if place is None:
            left_out["subfolder"] += 1
        elif isinstance(place, str):
            left_out["key that is no path"] += 1
        elif without is not None and without != folder and place.is_relative_to(without):
            continue
        elif any(part.startswith(".") for part in place.relative_to(folder).parts):
            left_out["hidden"] += place.suffix.lower() in READABLE_SUFFIXES
        elif place.suffix.lower() in READABLE_SUFFIXES:
            pictures.append(place)
        else:
            left_out[place.suffix.lower() or "without suffix"] += 1
    return sorted(pictures), +left_out


def list_objects(folder: ObjectPath) -> set[ObjectPath]:
    """All objects directly below an address; none where there is nothing.

    Raises:
        OutputError: the store does not answer, or refuses.
    """
    with _explain(folder, OutputError), contextlib.suppress(FileNotFoundError):
        return {folder.find(entry["name"]) for entry in _open_store().ls(folder.key, detail=True)}
    return set()


def read_object(place: ObjectPath) -> bytes:
    """All of an object, by one request.

    Raises:
        ImageError: it is missing, larger than any picture, or the store does not answer or refuses.
    """
    with _explain(place, ImageError):
        try:
            data: bytes = _open_store().cat_file(place.key, start=0, end=MOST_FILE_BYTES + 1)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            # Of nothing there is no first byte to ask for.
            return b""
    if len(data) > MOST_FILE_BYTES:
        raise ImageError(f"{place}: expected a picture of at most {MOST_FILE_BYTES >> 30} GB, found more")
    return data


def write_object(place: ObjectPath, data: bytes, *, overwrite: bool = False) -> None:
    """Write an object, whole or not at all. Without `overwrite` the store itself refuses to replace one.

    Raises:
        OutputError: it exists and `overwrite` is False, or the store does not answer or refuses.
    """
    with _explain(place, OutputError):
        _open_store().pipe_file(place.key, data, mode="overwrite" if overwrite else "create")


def check_bucket(place: ObjectPath) -> None:
    """Raise OutputError unless the bucket that results go to is there, and answers."""
    with _explain(place, OutputError):
        _open_store().call_s3("head_bucket", Bucket=place.key.partition("/")[0])


def _list(folder: ObjectPath, *, is_recursive: bool) -> Iterator[ObjectPath | str | None]:
    """Each object, the text of one whose key is no path, and None for a folder that is not looked into."""
    with _explain(folder, ImageError):
        store = _open_store()
        entries = store.find(folder.key, detail=True).values() if is_recursive else store.ls(folder.key, detail=True)
        for entry in entries:
            name = entry["name"]
            if name.rstrip("/") == folder.key or (is_recursive and name.endswith("/")):
                continue  # The marker that some programs make of an empty folder.
            if entry["type"] == "directory":
                yield None
                continue
            place = folder.find(name)
            yield place if place.key == name else name


@functools.cache
def _open_store() -> Any:
    try:
        import s3fs
    except ImportError as error:
        raise EdgeDceError(
            f"expected s3fs for s3:// addresses, found none; run: pip install 'edge-dce[{_EXTRA}]'"
        ) from error
    # A listing that is remembered would be wrong after the first result.
    return s3fs.S3FileSystem(
        use_listings_cache=False,
        config_kwargs={
            "retries": {"max_attempts": _ATTEMPTS, "mode": "standard"},
            "connect_timeout": _CONNECT_S,
            "read_timeout": _READ_S,
        },
    )


@contextlib.contextmanager
def _explain(place: ObjectPath, kind: type[ImageError] | type[OutputError]) -> Iterator[None]:
    """What goes wrong is one line about the address."""
    _open_store()
    from botocore.exceptions import BotoCoreError, NoCredentialsError

    try:
        yield
    except FileExistsError as error:
        raise OutputError(
            f"{place}: already exists; choose another name, or overwrite it (--overwrite, overwrite=True)"
        ) from error
    except FileNotFoundError as error:
        raise kind(f"{place}: no such bucket, folder or object; check the address") from error
    except NoCredentialsError as error:
        raise kind(
            f"{place}: no credentials for this store; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
        ) from error
    except PermissionError as error:
        raise kind(f"{place}: the store refuses ({_tell(error)}); check the credentials and their rights") from error
    except (BotoCoreError, OSError) as error:
        raise kind(
            f"{place}: the store does not answer as expected ({_tell(error)}); check AWS_ENDPOINT_URL and the network"
        ) from error


def _tell(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
