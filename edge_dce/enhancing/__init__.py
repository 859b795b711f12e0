"""What `edge-dce enhance` does: from files to files.

command         what was asked for;  execution: its jobs done in order;  account: what is told of them
watching        the jobs of a folder that pictures come into
options         with which model and look: for `edge-dce live` too
jobs            which file goes where
batch, video    many pictures, a few at a time; a video, on three threads
preview         a sheet of strengths to choose from
interruption    Ctrl-C between two pieces of work
"""
