"""Where enhanced frames go besides the web: stills, recordings, bare bytes on stdout, the screen of a console.

recording decides how videos are written (`edge_dce.files.live_video` writes them); stills, raw_output and screen are
outputs of their own. Each is an `Output`: a thread with a subscription to the pipeline, whose trouble is its own.
naming, reserve and retention say where files go, how much of a disk stays free, and what is deleted again.
"""
