"""Files in and out: pictures, folders, videos; nothing here knows what is done to them.

picture, pictures           what is in a picture file; reading and writing one
formats                     the formats of picture files, a room of its own
video_reader, video_writer  videos from file to file, by PyAV;  live_video: a camera's frames to a file as they come
remote_video, rtsp_sender   videos from a network and to it;  address: what of an address may be shown
encoders                    which encoder of FFmpeg a video gets, with what options
folders                     which pictures are in a folder, and which pairs in two
signatures, streams         what a file is by its first bytes; what comes through a pipe
output, claims              files that appear whole or not at all; which run makes which
"""
