"""What `edge-dce enhance` does: from files to files.

command         its options, the work, the progress, the summary
jobs            which file goes where
batch, video    many pictures, a few at a time; a video, on three threads
interruption    Ctrl-C between two pieces of work
"""
