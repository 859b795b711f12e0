"""What every test session needs."""

import signal

# Jobs that a script starts in the background ignore Ctrl-C, and so would the programs that tests start to interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
