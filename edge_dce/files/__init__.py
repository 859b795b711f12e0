"""Files in and out: pictures, folders, videos; nothing here knows what is done to them.

pictures, deep_pictures     picture files of 8 and of 16 bits; the only modules that import Pillow or parse them
video_reader, video_writer  video files, by PyAV
folders                     which pictures are in a folder, and which pairs in two
output                      files that appear whole or not at all
"""
