"""A recipe that trains in a moment."""

from training.recipe import Recipe

TINY = Recipe(
    name="tiny",
    epochs=4,
    batch_size=4,
    resize_px=32,
    crop_px=16,
    flip=True,
    exposure_shift=0.3,
    cosine_decay=True,
    validation_from=40,
)
