"""Train Zero-DCE: `python -m training fit | evaluate | compare | export | split`.

Backend-neutral Keras 3 (`keras.ops` only). Knows nothing of TFLite: what leaves here is a `.keras` file of plain
layers and its recipe.
"""
