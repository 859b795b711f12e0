"""Every word that the app shows. To translate it, translate this module; braces are filled in by the app."""

APP = "edge-dce camera"

# The shutter.
MODES = {"photo": "PHOTO", "burst": "BURST", "video": "VIDEO"}
STRENGTH = "{percent} %"
STRENGTH_DEFAULT = "{percent} % · auto"

# Messages.
OPENING = "Opening the camera …"
NO_CAMERA = "No camera here"
LOST = "The camera was disconnected"
NO_MODEL = "Pictures are not enhanced: {reason}"
HOLDING_BURST = "Hold still …"
SAVED_PHOTO = "Saved {name}"
SAVED_VIDEO = "Saved {name}"
EXPORTED = "Saved {name} beside your photos"
RECORDING = "{minutes}:{seconds:02d}"
NO_VIDEO = "Recording needs PyAV. Run: pip install 'edge-dce[video]'"
USE_SYNTHETIC = "Show a night scene"
TRY_AGAIN = "Try again"

# After a photo.
ASK = "How bright should this photo be?"
VERDICTS = {"darker": "Darker", "right": "Right", "brighter": "Brighter"}
THANKS = {
    "darker": "The next photo will be darker",
    "right": "Thank you",
    "brighter": "The next photo will be brighter",
}

# Before and after.
BEFORE = "before"
AFTER = "after"
EMPTY_GALLERY = "No photos yet"
VIDEO_IN_GALLERY = "Video: {path}"
NO_BEFORE = "The original was not kept"

# Settings.
SETTINGS = "Settings"
MODEL = "Model"
OWN_MODELS = "Put your own models (.tflite) into {folder}"
CAMERA = "Camera"
CAMERA_NAMES = {
    "auto": "first camera found",
    "synthetic": "drawn night scene",
    "picamera2": "Raspberry Pi camera {number}",
    "usb": "USB camera {number}",
    "android": "camera {number}",
}
DENOISE = "Take noise away"
KEEP_ORIGINAL = "Keep the original beside each photo (PNG)"
MIRROR = "Mirror the live view"
HISTOGRAM = "Show the histogram"
DIAGNOSTICS = "Show rates, delay and temperature"
BURST_FRAMES = "Frames in a burst"
FEEDBACK = "Your answers about photos: {count}"
FEEDBACK_PLACE = "Your answers set the “auto” strength. They stay on this device until you export them."
EXPORT = "Export"
PLACE = "Photos are in {folder}"
