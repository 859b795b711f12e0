"""Files in and out: pictures, folders, videos; nothing here knows what is done to them.

pictures, deep_pictures     picture files, by Pillow; those of 16 bits that Pillow does not take
video_reader, video_writer  videos from file to file, by PyAV;  live_video: a camera's frames to a file as they come
encoders                    which encoder of FFmpeg a video gets, with what options
folders                     which pictures are in a folder, and which pairs in two
signatures, streams         what a file is by its first bytes; what comes through a pipe
output, claims              files that appear whole or not at all; which run makes which
"""
