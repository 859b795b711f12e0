"""A real RTSP server for tests, of GStreamer's; Debian's own Python runs it: rtsp_daemon.py PORT [RECORDING.mkv]

It prints its port. /camera delivers a live test picture, and what is pushed to /push is written to the file; both for
"eve" with the password "a/b c" only.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

_CAMERA = (
    "( videotestsrc is-live=true pattern=solid-color foreground-color=0xff401020 "
    "! video/x-raw,format=I420,width=320,height=180,framerate=15/1 "
    "! x264enc tune=zerolatency key-int-max=15 ! rtph264pay name=pay0 pt=96 config-interval=1 )"
)
_PUSH = (
    "( rtph264depay name=depay0 ! h264parse ! matroskamux streamable=true "
    "! filesink location={} sync=false buffer-mode=unbuffered )"
)


def add(server: GstRtspServer.RTSPServer, path: str, launch: str) -> GstRtspServer.RTSPMediaFactory:
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(launch)
    permissions = GstRtspServer.RTSPPermissions()
    for permission in ("access", "construct"):
        permissions.add_permission_for_role("known", f"media.factory.{permission}", True)
    factory.set_permissions(permissions)
    server.get_mount_points().add_factory(path, factory)
    return factory


def main() -> None:
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(sys.argv[1])
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "known")
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic("eve", "a/b c"), token)
    server.set_auth(auth)
    add(server, "/camera", _CAMERA)
    if sys.argv[2:]:
        factory = add(server, "/push", _PUSH.format(sys.argv[2]))
        factory.set_transport_mode(GstRtspServer.RTSPTransportMode.RECORD)
    server.attach(None)
    print(server.get_bound_port(), flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
