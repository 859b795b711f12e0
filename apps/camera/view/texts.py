"""Every word that the app shows. To translate it, translate this module; braces are filled in by the app."""

APP = "edge-dce camera"

# The shutter.
MODES = {"photo": "PHOTO", "burst": "BURST", "video": "VIDEO"}
STRENGTH = "{percent} %"
STRENGTH_DEFAULT = "{percent} % · auto"

# Messages.
OPENING = "Opening the camera …"
NO_CAMERA = "No camera here"
LOST = "The camera is gone"
NO_MODEL = "Nothing is enhanced: {reason}"
HOLDING_BURST = "Hold still …"
SAVED_PHOTO = "Saved {name}"
SAVED_VIDEO = "Saved {name}"
EXPORTED = "Saved {name} beside your photos"
RECORDING = "{minutes}:{seconds:02d}"
NO_VIDEO = "Recording needs PyAV, which is not installed here (edge-dce[video])"
USE_SYNTHETIC = "Show a night scene"
TRY_AGAIN = "Try again"

# After a photo.
ASK = "How should it have been?"
VERDICTS = {"darker": "Darker", "right": "Right", "brighter": "Brighter"}
THANKS = {
    "darker": "Next time darker",
    "right": "Glad to hear it",
    "brighter": "Next time brighter",
}

# Before and after.
BEFORE = "before"
AFTER = "after"
EMPTY_GALLERY = "No photos yet"
VIDEO_IN_GALLERY = "Video: {path}"
NO_BEFORE = "The frame before enhancement was not kept"

# Settings.
SETTINGS = "Settings"
MODEL = "Model"
OWN_MODELS = "Models of your own (.tflite) go to {folder}"
CAMERA = "Camera"
CAMERA_NAMES = {
    "auto": "first one found",
    "synthetic": "night scene, drawn",
    "picamera2": "Raspberry Pi camera {number}",
    "usb": "USB camera {number}",
    "android": "camera {number}",
}
KEEP_ORIGINAL = "Keep the original beside each photo (PNG)"
MIRROR = "Mirror the live view"
HISTOGRAM = "Histogram"
DIAGNOSTICS = "Rates, delay and temperature"
BURST_FRAMES = "Frames in a burst"
FEEDBACK = "Answers about photos: {count}"
FEEDBACK_PLACE = "They set the strength that “auto” means, and stay on this device until you export them."
EXPORT = "Export"
PLACE = "Photos are in {folder}"
