"""H.264 in MPEG-TS from standard input to an RTSP server, as `python -m edge_dce.files.rtsp_sender`; needs PyAV.

A process of its own: while PyAV waits for a server, every thread of its process waits, and a process can be ended. The
address comes in an environment variable, because everybody on a machine may read command lines.
"""

from __future__ import annotations

import os
import subprocess
import sys

from edge_dce.files.address import Address

_VARIABLE = "EDGE_DCE_RTSP_ADDRESS"
# Until the source is known; a second of it at most.
_INPUT_OPTIONS = {"analyzeduration": "500000", "fflags": "nobuffer"}
# A lost packet of UDP smears the picture until the next key frame.
_OUTPUT_OPTIONS = {"rtsp_transport": "tcp"}


def start_sender(address: Address) -> subprocess.Popen[bytes]:
    """A process that sends what is written to its stdin.

    It prints a line once the server takes frames; if it ends, the last line of its stderr says why.
    """
    return subprocess.Popen(
        [sys.executable, "-m", __name__],
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {_VARIABLE: address.text},
        # Ctrl-C is for whoever started this one, who ends it in order.
        start_new_session=True,
    )


def main() -> int:
    import av

    address = Address(os.environ[_VARIABLE])
    try:
        with (
            av.open("pipe:0", format="mpegts", options=_INPUT_OPTIONS) as source,
            av.open(address.text, "w", format="rtsp", options=_OUTPUT_OPTIONS) as target,
        ):
            sent = target.add_stream_from_template(source.streams.video[0])
            is_told = False
            for packet in source.demux(video=0):
                # The empty one at the end has no time.
                if packet.dts is not None:
                    packet.stream = sent
                    target.mux(packet)
                    if not is_told:
                        print("sending", flush=True)
                    is_told = True
    except av.FFmpegError as error:
        # Not the error itself, which holds the password.
        print(error.strerror, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
