"""Seconds at every K from seconds of layers."""

import numpy as np

from vtw_core.every_k.timing import _composed


def test_layers_below_k_count_with_the_image_the_others_without():
    seconds = _composed(np.array([10.0, 20.0, 40.0]), np.array([1.0, 2.0, 4.0]))
    assert seconds.tolist() == [7, 16, 34, 70]
