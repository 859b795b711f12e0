"""What every test session needs."""

import os
import signal
import tempfile

# Jobs that a script starts in the background ignore Ctrl-C, and so would the programs that tests start to interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# What a session sees of its models is not for the user's cache. The folder goes with the session.
_cache = tempfile.TemporaryDirectory(prefix="edge-dce-cache-")
os.environ["EDGE_DCE_CACHE"] = _cache.name
