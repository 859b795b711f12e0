"""What of an address may be shown, and what is an address at all."""

import pytest

from edge_dce.files.address import SCHEMES, Address, hide_password, is_address


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://camera/stream", "rtsp://camera"),
        ("RTSP://eve:secret@10.0.0.7:8554/stream", "rtsp://10.0.0.7:8554"),
        ("rtsp://eve:sec%2Fret@[::1]:8554/stream", "rtsp://[::1]:8554"),
        ("rtsp://10.0.0.7:554/user=eve_password=secret_channel=1.sdp", "rtsp://10.0.0.7:554"),
        ("http://10.0.0.7/stream.mjpg?token=secret", "http://10.0.0.7"),
        # Where a password that was not escaped begins cannot be told.
        ("rtsp://eve:secret/1@camera/stream", "rtsp://…"),
        ("rtsp://eve:1/secret@camera/stream", "rtsp://…"),
        ("rtsp://eve:secret#@camera/stream", "rtsp://…"),
        ("rtsp:/eve:secret@camera/stream", "rtsp://…"),
    ],
)
def test_no_password_is_shown(text: str, shown: str) -> None:
    address = Address(text)
    assert str(address) == shown
    assert "secret" not in repr(address)


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("rtsp://eve:sec@ret@camera/stream", "rtsp://camera/stream"),
        ("eve:secret@camera/stream", "camera/stream"),
        ("https://example.org/a.jpg?x=1", "https://example.org/a.jpg?x=1"),
        ("me@home.mp4", "me@home.mp4"),
        ("usb:9", "usb:9"),
    ],
)
def test_password_before_a_host_is_hidden_and_the_rest_stays_as_it_was_typed(text: str, hidden: str) -> None:
    assert hide_password(text) == hidden


def test_files_and_cameras_are_no_addresses() -> None:
    assert not any(map(is_address, ("night.mp4", "usb:0", "/dev/video0", "picamera2:1", "a:b/c.mp4", "./x:/y")))
    assert all(map(is_address, ("rtsp://camera", "HTTP://10.0.0.7/x", "file:///etc/passwd", "rtsp:/camera")))


def test_no_protocol_of_an_address_opens_a_file_or_a_program() -> None:
    for scheme in SCHEMES:
        protocols = Address(f"{scheme}://host").protocols
        assert protocols is not None
        assert not {"file", "pipe", "fd", "unix", "concat", "subfile", "cache", "ipfs"} & set(protocols.split(","))
    assert Address("file:///etc/passwd").protocols is None
