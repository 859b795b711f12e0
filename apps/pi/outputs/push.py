"""The enhanced stream as H.264 to an RTSP server, which serves it to any number of viewers and programs."""

from __future__ import annotations

import contextlib
import logging
import select
import subprocess
import threading
import time
from typing import IO, Any

from edge_dce.errors import OutputError
from edge_dce.files.address import Address
from edge_dce.files.rtsp_sender import start_sender

from ..pipeline import Pipeline
from .output import Output, require_pyav

_log = logging.getLogger(__name__)

_FIRST_PAUSE_S, _LAST_PAUSE_S = 0.5, 10.0
# A server that takes nothing for so long has gone, though the system would wait for a quarter of an hour.
_MOST_BUSY_S = 10.0
_LOOK_S = 0.1
_GOODBYE_S = 1.0
_LINE_BYTES = 100


class Push(Output):
    """Connects again, after growing pauses, to a server that is not there or goes away."""

    name = "push"

    def __init__(self, pipeline: Pipeline, address: Address, *, fps: float, most_busy_s: float = _MOST_BUSY_S) -> None:
        """
        Args:
            fps: the camera's, for the encoder's rate control.
            most_busy_s: how long one frame may take before the server counts as gone.

        Raises:
            EdgeDceError: PyAV is not installed.
        """
        super().__init__(pipeline)
        require_pyav("--rtsp")
        self._address, self._fps, self._most_busy_s = address, fps, most_busy_s
        self._codec: str | None = None
        self._frames = 0
        self._busy_since_s: float | None = None
        self._encoding_trouble: str | None = None

    def run(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while self.is_wanted:
            sent = self._frames
            trouble = self._connect()
            if self._frames > sent:
                pause_s = _FIRST_PAUSE_S
            if self.is_wanted:
                self.report(f"{self._address}: {trouble}; trying again in {pause_s:g} s")
            self._stopping.wait(pause_s)
            pause_s = min(2 * pause_s, _LAST_PAUSE_S)

    def describe(self) -> dict[str, Any]:
        return {
            "server": str(self._address),
            "codec": self._codec,
            "frames": self._frames,
            "failed": self.trouble is not None,
            "trouble": self.trouble,
        }

    def _connect(self) -> str:
        """Send as long as that works and is wanted; what ended it."""
        with start_sender(self._address) as sender:
            assert sender.stdin is not None
            assert sender.stdout is not None
            assert sender.stderr is not None
            sending = threading.Thread(target=self._send, args=(sender, sender.stdin), name="push", daemon=True)
            sending.start()
            is_stuck = self._watch(sender.stdout, sending)
            sending.join(0 if is_stuck else _GOODBYE_S)
            if not sending.is_alive():
                # The end of its input is the sender's time to say goodbye to the server.
                sender.stdin.close()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    sender.wait(_GOODBYE_S)
            # Its end is also the end of a write that hangs.
            sender.kill()
            sending.join()
            said = sender.stderr.read().decode(errors="replace").strip()
        self._codec, self._busy_since_s = None, None
        if is_stuck:
            return "takes nothing"
        return self._encoding_trouble or said.rpartition("\n")[2] or "the connection ended"

    def _watch(self, said: IO[bytes], sending: threading.Thread) -> bool:
        """Until the sender ends, gets no more or is not wanted, or, which is True, takes nothing."""
        while self.is_wanted and sending.is_alive():
            if select.select([said], [], [], _LOOK_S)[0]:
                if not said.read(_LINE_BYTES):
                    return False
                self.report(None)
            since_s = self._busy_since_s
            if since_s is not None and time.monotonic() - since_s > self._most_busy_s:
                return True
        return False

    def _send(self, sender: subprocess.Popen[bytes], pipe: IO[bytes]) -> None:
        from edge_dce.files.live_video import LiveStream

        self._encoding_trouble = None
        stream = LiveStream(pipe, name=str(self._address), fps=self._fps)
        try:
            with self._pipeline.subscribe() as shots, stream:
                for shot in shots.follow(lambda: self.is_wanted and sender.poll() is None):
                    self._busy_since_s = time.monotonic()
                    stream.write(shot.after, shot.time_s, shot.channel_order)
                    self._busy_since_s = None
                    self._frames += 1
                    if self._codec is None:
                        self._codec = stream.codec
                        _log.info("push: H.264 by %s to %s", self._codec, self._address)
        except OutputError as error:
            # The sender knows what went wrong with a write, and nothing of an encoder.
            if self._codec is None and not stream.has_lost_reader:
                self._encoding_trouble = str(error).removeprefix(f"{self._address}: ")
