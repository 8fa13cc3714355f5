"""Layer hooks act in one context and leave nothing behind."""

import threading

import pytest
import torch

from vtw_core.hooks import layer_hooks


@pytest.fixture
def layers():
    return torch.nn.ModuleList(torch.nn.Linear(2, 2) for _ in range(3))


def run(layers):
    hidden = torch.zeros(1, 2)
    for layer in layers:
        hidden = layer(hidden)
    return hidden


def test_before_and_after_see_each_layer_in_order(layers):
    seen = []
    with layer_hooks(layers, lambda index, args, kwargs: seen.append(("in", index)),
                     lambda index, output: seen.append(("out", index))):  # fmt: skip
        run(layers)
    assert seen == [(side, index) for index in range(3) for side in ("in", "out")]
    run(layers)
    assert len(seen) == 6


def test_another_thread_is_not_seen(layers):
    seen = []
    with layer_hooks(layers, lambda *call: seen.append(call)):
        thread = threading.Thread(target=run, args=(layers,))
        thread.start()
        thread.join()
    assert seen == []


def test_hooks_are_removed_after_an_error(layers):
    with pytest.raises(ZeroDivisionError), layer_hooks(layers, lambda *call: 1 / 0):
        run(layers)
    assert not any(layer._forward_pre_hooks for layer in layers)


def test_blocks_nest(layers):
    seen = []
    with (
        layer_hooks(layers, lambda index, *_: seen.append(("outer", index))),
        layer_hooks(layers, lambda index, *_: seen.append(("inner", index))),
    ):
        run(layers)
    assert seen == [(which, index) for index in range(3) for which in ("outer", "inner")]
