"""Text after a withdrawn prompt, on the KV cache that was kept: equal to masking the image."""

import numpy as np
import pytest
import torch
from conftest import PROMPT
from family_laws import OTHER_PICTURE, PICTURE, batch_inputs, close, every_k, visual_of
from oracle import attention, masked, masked_as
from tiny_families import FAMILIES, KINDS_FIRST

from vtw_core import (
    FastV,
    InputError,
    KeepAll,
    ModelError,
    TokenLayout,
    VisualTokenWithdrawal,
    record,
    withdraw,
)
from vtw_core.hooks.layer_arguments import CACHE_NAMES, cache_of

FIRST = {
    "do_sample": False, "max_new_tokens": 4, "min_new_tokens": 4, "return_dict_in_generate": True,
}  # fmt: skip
SECOND = {**FIRST, "output_logits": True}
# Two turns more, as ids of ordinary words in every tiny tokenizer.
TURNS = ([70, 81, 75, 90, 66], [88, 71, 69])


def conversation(model, inputs, turns=TURNS):
    """Logits [turns, steps, vocabulary] of the turns after a first one, by generate() alone."""
    out = model.generate(**inputs, **FIRST)
    logits = []
    for turn in turns:
        more = torch.tensor([turn]).expand(len(out.sequences), -1)
        ids = torch.cat([out.sequences, more], dim=1)
        pads = ids.shape[1] - inputs["attention_mask"].shape[1]
        seen = torch.nn.functional.pad(inputs["attention_mask"], (0, pads), value=1)
        out = model.generate(
            input_ids=ids, attention_mask=seen, **{cache_name(model): cache_of(out)}, **SECOND
        )
        logits.append(torch.stack(out.logits))
    return torch.stack(logits)


def cache_name(model):
    import inspect

    named = inspect.signature(model.forward).parameters
    return next(name for name in CACHE_NAMES if name in named)


def by_hand(vlm, inputs, turns=TURNS):
    """Last-row logits after each of the turns, run as one pass each."""
    model = vlm.model
    cache = cache_of(model(**inputs, use_cache=True))
    first = vlm.adapter.positions(model, inputs)
    at = int(first.max()) + 1
    length = inputs["input_ids"].shape[1]
    logits = []
    for turn in turns:
        positions = torch.arange(at, at + len(turn)).expand(*first.shape[:-1], -1)
        at, length = at + len(turn), length + len(turn)
        out = model(
            input_ids=torch.tensor([turn]), position_ids=positions, use_cache=True,
            attention_mask=torch.ones(1, length, dtype=torch.long), **{cache_name(model): cache},
        )  # fmt: skip
        logits.append(out.logits[0])
    return torch.cat(logits)


@pytest.mark.parametrize("family", KINDS_FIRST)
def test_further_turns_by_generate_equal_masking(tiny_models, family):
    vlm = tiny_models(family)
    inputs = vlm.inputs(PICTURE, PROMPT)
    layout = vlm.layout(inputs)
    plain = conversation(vlm.model, inputs)
    # generate() cuts the ids by the first layer's cache, which at K = 0 is a shorter one.
    for k in [max(1, every_k(vlm)[0]), 3, vlm.layers]:
        with attention(vlm.model, "eager"), masked(vlm.model, visual_of(layout), k):
            expected = conversation(vlm.model, inputs)
        for kind in ("sdpa", "eager"):
            with (
                attention(vlm.model, kind),
                withdraw(vlm.model, VisualTokenWithdrawal(k), layout),
            ):
                found = conversation(vlm.model, inputs)
            close(found, expected)
        assert k == vlm.layers or (found - plain).abs().max() > 0.1
    with withdraw(vlm.model, KeepAll(), layout):
        assert torch.equal(conversation(vlm.model, inputs), plain)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_further_turns_by_hand_equal_masking(tiny_models, family):
    vlm = tiny_models(family)
    inputs = vlm.inputs(PICTURE, PROMPT)
    layout = vlm.layout(inputs)
    for k in every_k(vlm):
        with attention(vlm.model, "eager"), masked(vlm.model, visual_of(layout), k):
            expected = by_hand(vlm, inputs)
        with withdraw(vlm.model, VisualTokenWithdrawal(k), layout):
            close(by_hand(vlm, inputs), expected)


@pytest.mark.parametrize("kind", ["sdpa", "eager"])
def test_a_turn_in_one_pass_is_that_turn_token_by_token(vlm, inputs, layout, kind):
    """Also with repacked positions, which count on from the prefill's."""
    one_by_one = [[token] for turn in TURNS for token in turn]
    for strategy in (VisualTokenWithdrawal(0, "repack"), VisualTokenWithdrawal(2, "repack")):
        with attention(vlm.model, kind), withdraw(vlm.model, strategy, layout):
            close(by_hand(vlm, inputs), by_hand(vlm, inputs, one_by_one))


def test_further_turns_after_a_reduced_cache_equal_masking(vlm, inputs, layout):
    from vtw_core import MustDrop

    strategy = MustDrop(0.02, 0.02, vision=None, layers=(0, 2))
    with withdraw(vlm.model, strategy, layout) as withdrawal:
        found = by_hand(vlm, inputs)
    trace = withdrawal.trace()
    assert 0 < trace.cached_visual_tokens_per_layer[1] < trace.visual_tokens_per_layer[1]
    one_by_one = [[token] for turn in TURNS for token in turn]
    with attention(vlm.model, "eager"), masked_as(vlm.model, trace):
        close(found, by_hand(vlm, inputs, one_by_one))


@pytest.mark.parametrize("family", ["qwen2_vl", "gemma3"])
@pytest.mark.parametrize("kind", ["sdpa", "eager"])
def test_further_turns_of_a_padded_batch_equal_each_prompt_alone(tiny_models, family, kind):
    vlm = tiny_models(family)
    images, prompts = [[PICTURE], [OTHER_PICTURE]], ["Describe the picture.", PROMPT]
    both = batch_inputs(vlm, images, prompts)
    layouts = TokenLayout.batch_from_inputs(vlm.model, both)
    for strategy in (VisualTokenWithdrawal(1), FastV(2, 0.5)):
        with attention(vlm.model, kind):
            with withdraw(vlm.model, strategy, layouts):
                found = conversation(vlm.model, both)
            for row, (own, prompt) in enumerate(zip(images, prompts, strict=True)):
                single = vlm.inputs(own, prompt)
                with withdraw(vlm.model, strategy, vlm.layout(single)):
                    close(found[:, :, row], conversation(vlm.model, single)[:, :, 0])


class TestRefusals:
    """What the layout does not describe, or the cache cannot hold, is told."""

    def test_another_image_after_the_prompt(self, vlm, inputs, layout):
        image = vlm.model.config.image_token_id
        with withdraw(vlm.model, VisualTokenWithdrawal(2), layout):
            cache = cache_of(vlm.model(**inputs, use_cache=True))
            turn = torch.tensor([[9] + [image] * len(layout.visual) + [9]])
            with pytest.raises(ModelError, match="Another image follows the prompt"):
                vlm.model(
                    input_ids=turn, pixel_values=inputs["pixel_values"],
                    **{cache_name(vlm.model): cache},
                )  # fmt: skip

    def test_padding_after_the_prompt(self, vlm, inputs, layout):
        with withdraw(vlm.model, VisualTokenWithdrawal(2), layout):
            cache = cache_of(vlm.model(**inputs, use_cache=True))
            seen = torch.ones(1, layout.total + 2, dtype=torch.long)
            seen[0, -2] = 0
            with pytest.raises(ModelError, match="padding after the prompt"):
                vlm.model(
                    input_ids=torch.tensor([[9, 30]]), attention_mask=seen,
                    **{cache_name(vlm.model): cache},
                )  # fmt: skip

    def test_at_k_0_generate_itself_miscounts(self, vlm, inputs, layout):
        with (
            pytest.raises(ModelError, match=r"pass the new tokens alone.*K = 0"),
            withdraw(vlm.model, VisualTokenWithdrawal(0), layout),
        ):
            conversation(vlm.model, inputs)

    def test_a_cache_that_was_cut(self, vlm, inputs, layout):
        with withdraw(vlm.model, VisualTokenWithdrawal(2), layout):
            cache = cache_of(vlm.model(**inputs, use_cache=True))
            cache.crop(-2)
            with pytest.raises(ModelError, match="outside the withdraw block, or cut"):
                vlm.model(input_ids=torch.tensor([[9, 30]]), **{cache_name(vlm.model): cache})

    def test_recording_takes_one_token_at_a_time(self, vlm, inputs, layout):
        with record(vlm.model, layout) as recorder:
            cache = cache_of(vlm.model(**inputs, use_cache=True))
            with pytest.raises(ModelError, match="one token at a time"):
                vlm.model(input_ids=torch.tensor([[9, 30]]), **{cache_name(vlm.model): cache})
        assert np.isfinite(recorder.edges).all()


def test_a_recorded_turn_token_by_token_is_recorded(vlm, inputs, layout):
    one_by_one = [[token] for token in TURNS[0]]
    with record(vlm.model, layout) as recorder:
        by_hand(vlm, inputs, one_by_one)
    assert recorder.positions == layout.total + len(TURNS[0])
    with pytest.raises(InputError, match="one sequence"), record(vlm.model, layout):
        vlm.model(**{name: torch.cat([value, value]) for name, value in inputs.items()})
