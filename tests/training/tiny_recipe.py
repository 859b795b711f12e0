"""A recipe that trains in a moment."""

from training.recipe import LossWeights, Recipe, ToneSettings

TINY = Recipe(
    name="tiny",
    epochs=4,
    batch_size=4,
    resize_px=32,
    crop_px=16,
    flip=True,
    exposure_shift=0.3,
    schedule="cosine",
    validation_from=40,
)

TINY_TONE = Recipe(
    name="tiny-tone",
    epochs=2,
    batch_size=4,
    network="tone",
    epoch_images=12,
    crop_px=16,
    flip=True,
    exposure_gain=2.0,
    learning_rate=1e-3,
    schedule="cosine",
    ema=0.9,
    validation_from=40,
    loss_weights=LossWeights(0, 0, 0, 0, absolute=1.0, structure=0.5, regional=1.0, steadiness=1.0, neutrality=1.0),
    tone=ToneSettings(
        width_px=64,
        height_px=32,
        picture_width_px=44,
        picture_height_px=36,
        pair_share=0.4,
        view_share=0.4,
        made_share=0.2,
        views=3,
        least_gain=0.5,
    ),
)
