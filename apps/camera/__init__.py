"""A camera that sees in the dark: live view, photos and video, for desktops, Raspberry Pi and Android (docs/camera.md).

view/      what a person sees and touches; Kivy is imported here only
shots/     what is kept of the live view: photos, bursts, video, and what people said about them
android/   what only a phone has, and how it gets there
The rest is the app without its window: `session` joins camera, estimation of curves and
preferences; `diagnostics` is the line of numbers.
"""
