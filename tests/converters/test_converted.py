import numpy as np

from converters.verification import open_converted
from edge_dce.benchmark.frame import make_dark_frame
from edge_dce.enhancer import load
from edge_dce.models.card import read_model_file
from edge_dce.models.catalog import DEFAULT_MODEL, find_model
from edge_dce.pixels.look import Look


def test_files_are_verified_without_cleaning_which_could_hide_what_they_lost() -> None:
    noisy, enhancer = make_dark_frame(320, 240), load()
    found = open_converted(read_model_file(find_model(DEFAULT_MODEL))).enhance(noisy)
    np.testing.assert_array_equal(found, enhancer.enhance(noisy, Look(denoise=0)))
    assert (found != enhancer.enhance(noisy)).any()
