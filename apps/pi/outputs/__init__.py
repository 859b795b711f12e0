"""Where enhanced frames go besides the web: stills, recordings, bare bytes on stdout, the screen of a console.

Each is an `Output`: a thread with a subscription to the pipeline, whose trouble is its own.
"""
