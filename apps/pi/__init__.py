"""A headless low-light camera for Raspberry Pi and any Linux machine: `python -m apps.pi`, described in docs/pi.md.

outputs/   where frames go besides the web: stills, recordings, stdout, a console's screen
web/       who may watch, what is at which address, how it is sent, and the page itself
systemd/   the script as a service
The rest is the run itself: its options, the way from a frame to a shot, what it counts (stats), and two measurements.
"""
