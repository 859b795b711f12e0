"""A headless low-light camera for Raspberry Pi and any Linux machine: `python -m apps.pi`, described in docs/pi.md.

settings     flags and the TOML file
program      starts and stops everything below; signals, watchdog
pipeline     newest frame -> enhanced shot, only while somebody wants one (darkness, enhancement, frame_pool)
broadcast    newest shot -> JPEG, encoded once for all viewers
server       HTTP connections and their limits;  access: who may;  pages: what is at which address
stills, recording, raw_output, screen        shots to files, stdout and the framebuffer
statistics   what /stats.json and /metrics tell
service      systemd's notification socket
"""
