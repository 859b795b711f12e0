"""What `edge-dce enhance` does: from files to files.

command         the work, the progress, the summary
options         with which model and look: for `edge-dce live` too
jobs            which file goes where
batch, video    many pictures, a few at a time; a video, on three threads
interruption    Ctrl-C between two pieces of work
"""
