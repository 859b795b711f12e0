"""A camera that sees in the dark: live view, photos and video, for desktops, Raspberry Pi and Android.

What can be done without a window is done in modules that do not import Kivy: `session` joins them. `preview`,
`controls`, `gallery_view`, `screen` and `app` are what a person sees.
"""
