"""What `edge-dce enhance` does: from files to files.

command         the options and the work;  account: what is told of it
options         with which model and look: for `edge-dce live` too
jobs            which file goes where
batch, video    many pictures, a few at a time; a video, on three threads
preview         a sheet of strengths to choose from
interruption    Ctrl-C between two pieces of work
"""
