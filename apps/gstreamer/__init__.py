"""Enhancement as an element of GStreamer's, described in docs/cameras.md; its plugin loader looks into `python/`."""
