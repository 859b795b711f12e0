"""From a Keras network to verified `.tflite` files: `python -m converters MODEL.keras`."""
