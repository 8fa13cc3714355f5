"""A block knows whether its prompt ran inside it, also where another thread was to run it."""

import asyncio
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from threading import Thread

import numpy as np
import pytest
import torch
from transformers import TextIteratorStreamer

from vtw_core import ModelError, VisualTokenWithdrawal, record, withdraw

OPTIONS = {"do_sample": False, "max_new_tokens": 6}


@pytest.fixture
def answers(vlm, inputs, layout):
    """(nothing withdrawn, withdrawn at K = 1) as token ids."""
    with withdraw(vlm.model, VisualTokenWithdrawal(1), layout):
        withdrawn = vlm.model.generate(**inputs, **OPTIONS)
    plain = vlm.model.generate(**inputs, **OPTIONS)
    assert not torch.equal(plain, withdrawn)
    return plain, withdrawn


def test_streaming_from_a_thread_that_takes_the_context_along(vlm, inputs, layout, answers):
    streamer = TextIteratorStreamer(vlm.processor.tokenizer, skip_prompt=True)
    with withdraw(vlm.model, VisualTokenWithdrawal(1), layout):
        thread = Thread(
            target=copy_context().run,
            args=(vlm.model.generate,),
            kwargs={**inputs, **OPTIONS, "streamer": streamer},
        )
        thread.start()
        streamed = "".join(streamer)
        thread.join()
    assert streamed == vlm.processor.tokenizer.decode(answers[1][0, layout.total :])


@pytest.mark.parametrize("block", ["withdraw", "record"])
def test_a_plain_thread_inside_the_block_is_noticed(vlm, inputs, layout, block):
    streamer = TextIteratorStreamer(vlm.processor.tokenizer, skip_prompt=True)
    asked = {**inputs, **OPTIONS, "streamer": streamer}
    opened = (
        withdraw(vlm.model, VisualTokenWithdrawal(1), layout)
        if block == "withdraw"
        else record(vlm.model, layout)
    )

    def stream():
        with opened:
            Thread(target=vlm.model.generate, kwargs=asked, name="asker").start()
            list(streamer)

    with pytest.raises(ModelError, match=rf"{block} block, and the thread 'asker'.*copy_context"):
        stream()


def test_an_executor_inside_the_block_is_noticed_and_to_thread_takes_part(
    vlm, inputs, layout, answers
):
    ask = partial(vlm.model.generate, **inputs, **OPTIONS)

    async def in_an_executor():
        with withdraw(vlm.model, VisualTokenWithdrawal(1), layout):
            await asyncio.get_running_loop().run_in_executor(None, ask)

    async def in_a_thread():
        with withdraw(vlm.model, VisualTokenWithdrawal(1), layout):
            return await asyncio.to_thread(ask)

    # In a thread of their own: the tests' own thread may have a loop already.
    with ThreadPoolExecutor(1) as alone:
        with pytest.raises(ModelError, match="Nothing ran inside this withdraw block"):
            alone.submit(asyncio.run, in_an_executor()).result()
        assert torch.equal(alone.submit(asyncio.run, in_a_thread()).result(), answers[1])


def test_a_plain_run_elsewhere_is_neither_touched_nor_held_against_a_block(
    vlm, inputs, layout, answers
):
    found = []
    with withdraw(vlm.model, VisualTokenWithdrawal(1), layout):
        other = Thread(target=lambda: found.append(vlm.model.generate(**inputs, **OPTIONS)))
        other.start()
        other.join()
        mine = vlm.model.generate(**inputs, **OPTIONS)
    assert torch.equal(found[0], answers[0])
    assert torch.equal(mine, answers[1])


def test_a_block_of_another_visitor_is_not_held_against_one_that_ran_nothing(vlm, inputs, layout):
    def other():
        with withdraw(vlm.model, VisualTokenWithdrawal(2), layout):
            vlm.model(**inputs)

    def mine():
        with withdraw(vlm.model, VisualTokenWithdrawal(1), layout):
            thread = Thread(target=other)
            thread.start()
            thread.join()

    with pytest.warns(UserWarning, match="without a prompt"):
        mine()


def test_a_run_that_was_refused_inside_is_no_block_in_which_nothing_ran(vlm, inputs, layout):
    def refused():
        with withdraw(vlm.model, VisualTokenWithdrawal(1), layout):
            other = Thread(target=lambda: vlm.model(**inputs))
            other.start()
            other.join()
            with pytest.raises(ModelError, match="whole prompt"):
                vlm.model(input_ids=inputs["input_ids"][:, -3:])

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        refused()


def test_a_block_in_which_nothing_ran_warns(vlm, layout):
    with (
        pytest.warns(UserWarning, match="withdraw block ended without a prompt") as caught,
        withdraw(vlm.model, VisualTokenWithdrawal(1), layout),
    ):
        pass
    assert caught[0].filename == __file__
    with (
        pytest.warns(UserWarning, match="record block ended without a prompt"),
        record(vlm.model, layout),
    ):
        pass


def test_a_block_that_is_left_by_an_error_does_not_warn_besides(vlm, layout):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with (
            pytest.raises(ZeroDivisionError),
            withdraw(vlm.model, VisualTokenWithdrawal(1), layout),
        ):
            raise ZeroDivisionError


def test_a_run_that_fails_before_the_decoder_tells_its_own_error(vlm, image, monkeypatch):
    monkeypatch.setattr(type(vlm.model.model), "get_placeholder_mask", None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(TypeError):
            vlm.generate(image, "?", VisualTokenWithdrawal(1), max_new_tokens=2)


def test_a_thread_that_takes_the_context_along_is_recorded(vlm, inputs, layout):
    with record(vlm.model, layout) as expected:
        vlm.model.generate(**inputs, **OPTIONS)
    with record(vlm.model, layout) as recorder:
        thread = Thread(
            target=copy_context().run, args=(vlm.model.generate,), kwargs={**inputs, **OPTIONS}
        )
        thread.start()
        thread.join()
    assert np.array_equal(recorder.mass, expected.mass)
    assert not torch.overrides._get_current_function_mode_stack()
