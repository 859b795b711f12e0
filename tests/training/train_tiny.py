"""`python -m training` with one more recipe, so small that child processes can train by it in a test."""

import dataclasses
import sys

from tests.training import tiny_recipe
from training.cli import main
from training.recipe import RECIPES

# Everything whose result depends on how a batch is divided: random crops, and clipping by the norm of all gradients.
# That norm is 8 to 77 here: some steps are clipped and some not, so that a sum in place of the mean shows, which Adam
# alone would hide.
TINY = dataclasses.replace(tiny_recipe.TINY, epochs=12, weight_decay=1e-4, clip_norm=20.0)

if __name__ == "__main__":
    RECIPES[TINY.name] = TINY
    sys.exit(main())
