"""One matrix: every strategy, in every family, obeys the same laws."""

import threading
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from family_laws import OTHER_PICTURE, PICTURE, PROMPT, SHORT_PROMPT, batch_inputs, close
from oracle import attention, greedy_logits, masked_as
from tiny_families import FAMILIES, KINDS_FIRST

from vtw_core import (
    InputError,
    KeepAll,
    ModelError,
    TokenLayout,
    VisualTokenWithdrawal,
    check_support,
    record,
    withdraw,
)
from vtw_core.engine.generation import prepare, stream
from vtw_core.engine.text_attention import text_rows
from vtw_core.families.adapters import decoder_layers
from vtw_core.hooks.layer_arguments import cache_of
from vtw_core.strategies.base import Strategy
from vtw_core.strategies.fastv import FastV
from vtw_core.strategies.mustdrop import MustDrop
from vtw_core.strategies.random_drop import RandomDrop, RandomShare, RandomWithdrawal
from vtw_core.strategies.view import Decision, Need

STEPS = 4


@dataclass(frozen=True)
class Listening(Strategy):
    """After some layers only the later half of the visual tokens goes on."""

    name = "listening"

    layers: tuple[int, ...]

    def needs(self, layers):
        return dict.fromkeys(self.layers, frozenset({Need.ATTENTION}))

    def kept(self, view):
        if view.layer - 1 not in self.layers:
            return view.alive
        columns = view.before.attention.columns
        return columns[len(columns) // 2 :]


class ShortFirstCache(Listening):
    """The first layer's cache alone is reduced to what the last layer saw."""

    def reduced_cache(self, layers):
        return range(1)


# name -> (first layer that may drop, layout) -> a strategy that drops something in 4 layers.
PARTIAL = {
    "vtw": lambda first, layout: VisualTokenWithdrawal(first),
    "fastv": lambda first, layout: FastV(first, 0.5),
    "fastv, mean of the text": lambda first, layout: FastV(first, 0.75, "text_mean"),
    "random": lambda first, layout: RandomDrop(falling(layout, first), seed=4),
    "random, a share": lambda first, layout: RandomShare(first, 0.5, seed=4),
    "fastv, then a share": lambda first, layout: chain(first),
    "random, text too": lambda first, layout: RandomWithdrawal(first, seed=4),
    "mustdrop b": lambda first, layout: mustdrop(first, layout, cache=False),
    "mustdrop b, c": lambda first, layout: mustdrop(first, layout),
    "mustdrop b, c from layer 0": lambda first, layout: mustdrop(first, layout, from_layer=0),
    "a first cache shorter than later ones": lambda first, layout: ShortFirstCache((2,)),
}
# name -> layout -> a strategy that drops nothing.
WHOLE = {
    "none": lambda layout: KeepAll(),
    "vtw": lambda layout: VisualTokenWithdrawal(4),
    "fastv, nothing": lambda layout: FastV(1, 0.0),
    "fastv, after the end": lambda layout: FastV(4, 0.5),
    "random": lambda layout: RandomDrop((len(layout.visual),) * 4),
    "random, text too": lambda layout: RandomWithdrawal(4),
    "mustdrop, nothing": lambda layout: MustDrop(0, 0, vision=None),
    "mustdrop, no stage": lambda layout: MustDrop(1, 1, vision=None, prefill=False),
}


def mustdrop(first, layout, from_layer=None, **options):
    """Stages b and c: falls what gets less than its even share, after two filters."""
    filters = {first - 1 if from_layer is None else from_layer, first}
    options = {"vision": None, "layers": tuple(sorted(filters)), **options}
    if from_layer is None or first == 1:
        return MustDrop(1 / len(layout.visual), 1.0, **options)
    return LateMustDrop(1 / len(layout.visual), 1.0, **options)


class LateMustDrop(MustDrop):
    """Where nothing may leave in the first layers: their filter only widens stage c."""

    def decide(self, view):
        late = view.layer - 1 == max(self.layers)
        return super().decide(view) if late else Decision(view.alive)


def chain(first):
    """Half by attention, and one layer later half of those at random."""
    return FastV(first, 0.5).then(RandomShare(min(first + 1, 3), 0.25, seed=4))


def falling(layout, first):
    """Visual tokens in each of 4 layers: all, then half, then a quarter."""
    full = len(layout.visual)
    return (full,) * first + (full // 2, full // 4, full // 4)[: 4 - first]


def first_layer(vlm):
    """The first layer before which any strategy here may drop."""
    return max(1, check_support(vlm.model).k_min)


@pytest.fixture(params=sorted(FAMILIES))
def family(request, tiny_models):
    return tiny_models(request.param)


@pytest.fixture(params=KINDS_FIRST)
def kind_of_family(request, tiny_models):
    return tiny_models(request.param)


@pytest.fixture(params=PARTIAL)
def partial(request):
    return PARTIAL[request.param]


@pytest.mark.parametrize("kind", ["sdpa", "eager"])
@pytest.mark.parametrize("name", WHOLE)
def test_keeping_all_is_the_baseline_bit_for_bit(vlm, inputs, layout, name, kind):
    strategy = WHOLE[name](layout)
    with attention(vlm.model, kind):
        plain, ids = greedy_logits(vlm.model, inputs)
        with withdraw(vlm.model, strategy, layout) as withdrawal:
            same, same_ids = greedy_logits(vlm.model, inputs)
    assert torch.equal(same, plain)
    assert torch.equal(same_ids, ids)
    assert withdrawal.visual_tokens_per_layer == (len(layout.visual),) * 4


def is_dropping_masking(vlm, images, partial, kinds=("sdpa",)):
    """Holds a strategy against masking what its trace says; returns the trace.

    Under each kind of attention the same is kept, so what is masked is run once for all kinds.
    """
    inputs = vlm.inputs(images, PROMPT)
    layout = vlm.layout(inputs)
    runs, traces = [], []
    for kind in kinds:
        with (
            attention(vlm.model, kind),
            withdraw(vlm.model, partial(first_layer(vlm), layout), layout) as withdrawal,
        ):
            runs.append(greedy_logits(vlm.model, inputs, STEPS))
        traces.append(withdrawal.trace())
    with attention(vlm.model, "eager"), masked_as(vlm.model, traces[0]):
        expected, ids = greedy_logits(vlm.model, inputs, STEPS)
    for (found, found_ids), trace in zip(runs, traces, strict=True):
        for one, other in ((trace.kept, traces[0].kept), (trace.cached, traces[0].cached)):
            assert [each.tolist() for each in one] == [each.tolist() for each in other]
        assert torch.equal(found_ids, ids)
        close(found, expected)
    return traces[0]


def test_dropping_equals_masking_in_every_family(family, partial):
    trace = is_dropping_masking(family, PICTURE, partial, ("sdpa", "eager"))
    counts = trace.tokens_per_layer
    assert counts[-1] < counts[0]


def test_dropping_equals_masking_with_several_images(kind_of_family, partial):
    is_dropping_masking(kind_of_family, [PICTURE, OTHER_PICTURE], partial)


def test_what_a_strategy_is_given_is_the_attention_of_the_masked_model(family):
    inputs = family.inputs([PICTURE, OTHER_PICTURE], PROMPT)
    layout = family.layout(inputs)
    for kind in ("sdpa", "eager"):
        with (
            attention(family.model, kind),
            withdraw(family.model, Listening((1, 2)), layout) as withdrawal,
            torch.no_grad(),
        ):
            family.model(**inputs)
        trace = withdrawal.trace()
        with attention(family.model, "eager"), masked_as(family.model, trace), torch.no_grad():
            weights = family.model(**inputs, output_attentions=True).attentions
        assert set(trace.attention) == {1, 2}
        for layer, heard in trace.attention.items():
            assert np.array_equal(heard.rows, text_rows(layout))
            assert np.array_equal(heard.columns, np.intersect1d(trace.kept[layer], layout.visual))
            expected = weights[layer][0].mean(0).numpy()[np.ix_(heard.rows, heard.columns)]
            assert np.abs(heard.weights - expected).max() <= 1e-5


def test_counts_by_layer_add_up(vlm, inputs, layout, partial):
    with withdraw(vlm.model, partial(1, layout), layout) as withdrawal:
        cache = cache_of(vlm.model(**inputs, use_cache=True))
    trace = withdrawal.trace()
    assert trace.visual_tokens_per_layer == withdrawal.visual_tokens_per_layer
    assert (np.diff(trace.visual_tokens_per_layer) <= 0).all()
    for layer in range(vlm.layers):
        kept, cached = trace.kept[layer], trace.cached[layer]
        assert np.isin(cached, kept).all()
        assert trace.tokens_per_layer[layer] == len(kept)
        text = np.isin(kept, layout.text).sum()
        assert trace.visual_tokens_per_layer[layer] == len(kept) - text
        assert cache.get_seq_length(layer) == len(cached) == trace.cached_tokens_per_layer[layer]


def test_streaming_equals_generate_bit_for_bit(kind_of_family, partial):
    inputs = kind_of_family.inputs(PICTURE, PROMPT)
    layout = kind_of_family.layout(inputs)
    strategy = partial(first_layer(kind_of_family), layout)
    with withdraw(kind_of_family.model, strategy, layout):
        logits, _ = greedy_logits(kind_of_family.model, inputs, STEPS)
    prepared = prepare(kind_of_family, PICTURE, PROMPT)
    steps = list(stream(kind_of_family, prepared, strategy, STEPS + 1))
    found = np.stack([step.logits for step in steps])
    assert np.array_equal(found, logits[: len(steps)].numpy())


def test_beams_equal_masking(vlm, inputs, layout, partial):
    options = {"num_beams": 3, "do_sample": False, "max_new_tokens": 5, "min_new_tokens": 5}
    with withdraw(vlm.model, partial(1, layout), layout) as withdrawal:
        found = vlm.model.generate(**inputs, **options)
    with attention(vlm.model, "eager"), masked_as(vlm.model, withdrawal.trace()):
        assert torch.equal(vlm.model.generate(**inputs, **options), found)


@pytest.mark.parametrize("kind", ["sdpa", "eager"])
def test_each_row_of_a_padded_batch_equals_its_prompt_alone(vlm, partial, kind):
    images, prompts = [[PICTURE], [OTHER_PICTURE]], [SHORT_PROMPT, PROMPT]
    inputs = batch_inputs(vlm, images, prompts)
    layouts = TokenLayout.batch_from_inputs(vlm.model, inputs)
    strategy = partial(1, layouts[0])
    with attention(vlm.model, kind), withdraw(vlm.model, strategy, layouts) as withdrawal:
        found, _ = greedy_logits(vlm.model, inputs, STEPS)
    found = found.reshape(STEPS + 1, len(prompts), -1)
    for row, (own, prompt) in enumerate(zip(images, prompts, strict=True)):
        single = vlm.inputs(own, prompt)
        layout = vlm.layout(single)
        with withdraw(vlm.model, strategy, layout) as alone:
            expected, _ = greedy_logits(vlm.model, single, STEPS)
        close(found[:, row], expected)
        mine, its = withdrawal.trace(row), alone.trace()
        assert mine.visual_tokens_per_layer == its.visual_tokens_per_layer
        assert mine.cached_visual_tokens_per_layer == its.cached_visual_tokens_per_layer


def test_what_is_recorded_is_what_each_layer_saw(vlm, inputs, layout, partial):
    strategy = partial(1, layout)
    if isinstance(strategy, RandomWithdrawal):
        with (
            withdraw(vlm.model, strategy, layout),
            record(vlm.model, layout),
            pytest.raises(InputError, match="drops text"),
        ):
            vlm.model(**inputs)
        return
    with withdraw(vlm.model, strategy, layout) as withdrawal, record(vlm.model, layout) as recorder:
        greedy_logits(vlm.model, inputs, STEPS)
    trace, rows = withdrawal.trace(), recorder.rows
    assert np.abs(rows.sum(-1) - 1).max() <= 1e-5
    prompt = np.arange(layout.total)
    answer = recorder.query_positions >= layout.total
    for layer in range(vlm.layers):
        unseen = np.setdiff1d(prompt, trace.kept[layer])
        assert (rows[layer][:, unseen] == 0).all()
        uncached = np.setdiff1d(prompt, trace.cached[layer])
        assert (rows[layer][np.ix_(answer, uncached)] == 0).all()
        assert (rows[layer][np.ix_(answer, trace.cached[layer])] > 0).all()


def test_a_prompt_that_ends_with_the_image_is_refused(vlm, inputs, layout):
    end = int(layout.visual[-1]) + 1
    short = {name: value[:, :end] if name != "pixel_values" else value
             for name, value in inputs.items()}  # fmt: skip
    with (
        withdraw(vlm.model, FastV(2, 0.5), vlm.layout(short)),
        pytest.raises(InputError, match="after the image"),
    ):
        vlm.model(**short)


def test_attention_that_cannot_be_captured_is_refused(vlm, layout, monkeypatch):
    monkeypatch.setattr(vlm.model.config.text_config, "_attn_implementation_internal", "flash")
    with (
        pytest.raises(ModelError, match="load the model with sdpa"),
        withdraw(vlm.model, FastV(2, 0.5), layout),
    ):
        pass


def test_layers_after_a_shorter_cache_are_masked_for_their_own(family):
    trace = is_dropping_masking(family, PICTURE, lambda *_: ShortFirstCache((2,)))
    cached = trace.cached_visual_tokens_per_layer
    assert cached[0] == cached[3] < cached[1] == cached[2]


def test_a_reduced_cache_needs_a_cache(vlm, inputs, layout):
    with (
        withdraw(vlm.model, mustdrop(1, layout), layout),
        pytest.raises(ModelError, match="use_cache"),
    ):
        vlm.model.generate(**inputs, max_new_tokens=3, use_cache=False)


def test_decoding_without_a_cache_decides_the_same_again(vlm, inputs, layout, partial):
    strategy = partial(1, layout)
    if isinstance(strategy, MustDrop):
        strategy = replace(strategy, cache=False)
    if isinstance(strategy, ShortFirstCache):
        strategy = Listening(strategy.layers)
    with withdraw(vlm.model, strategy, layout):
        cached = vlm.model.generate(**inputs, do_sample=False, max_new_tokens=5)
        uncached = vlm.model.generate(**inputs, do_sample=False, max_new_tokens=5, use_cache=False)
    assert torch.equal(cached, uncached)


def test_tokens_that_the_model_still_adds_to_cannot_leave(tiny_models, partial):
    vlm = tiny_models("qwen3_vl")
    inputs = vlm.inputs(PICTURE, PROMPT)
    layout = vlm.layout(inputs)
    strategy = partial(1, layout)
    if isinstance(strategy, ShortFirstCache):
        strategy = ShortFirstCache((0,))
    with (
        withdraw(vlm.model, strategy, layout),
        pytest.raises(InputError, match="no visual token may leave before"),
    ):
        vlm.model(**inputs)


class TestNothingIsLeftBehind:
    """The model and its thread are as before, whatever happens in the block."""

    @pytest.fixture(autouse=True)
    def unchanged(self, vlm, inputs):
        plain = vlm.model(**inputs, output_hidden_states=True).logits
        before = hooks(vlm.model)
        yield
        assert hooks(vlm.model) == before
        assert not torch.overrides._get_current_function_mode_stack()
        assert torch.equal(vlm.model(**inputs).logits, plain)

    def test_after_success(self, vlm, inputs, layout, partial):
        with withdraw(vlm.model, partial(1, layout), layout):
            vlm.model.generate(**inputs, do_sample=False, max_new_tokens=3)

    @pytest.mark.parametrize(
        ("part", "error"), [("before", KeyboardInterrupt), ("inside", RuntimeError)]
    )
    @pytest.mark.parametrize("layer", range(4))
    def test_after_an_error_in_a_layer(self, vlm, inputs, layout, partial, layer, part, error):
        def fail(*_):
            raise error("fails")

        module = decoder_layers(vlm.model)[layer]
        handle = (module if part == "before" else module.mlp).register_forward_pre_hook(fail)
        try:
            with (
                pytest.raises(error, match="fails"),
                withdraw(vlm.model, partial(1, layout), layout),
            ):
                vlm.model(**inputs)
        finally:
            handle.remove()

    @pytest.mark.parametrize("layer", range(4))
    def test_after_an_error_that_is_caught_in_the_block(self, vlm, inputs, layout, partial, layer):
        handle = decoder_layers(vlm.model)[layer].mlp.register_forward_pre_hook(lambda *_: 1 / 0)
        with withdraw(vlm.model, partial(1, layout), layout):
            with pytest.raises(ZeroDivisionError):
                vlm.model(**inputs)
            assert not torch.overrides._get_current_function_mode_stack()
            handle.remove()
            again = vlm.model(**inputs).logits
        with withdraw(vlm.model, partial(1, layout), layout):
            assert torch.equal(vlm.model(**inputs).logits, again)

    def test_after_a_cancelled_generator(self, vlm, image, layout, partial):
        steps = stream(vlm, prepare(vlm, image, PROMPT), partial(1, layout), 6)
        next(steps)
        steps.close()

    def test_after_a_generator_closed_in_another_thread(self, vlm, inputs, layout, partial):
        def body():
            with withdraw(vlm.model, partial(1, layout), layout):
                yield vlm.model(**inputs).logits

        generator = body()
        next(generator)
        thread = threading.Thread(target=generator.close)
        thread.start()
        thread.join()

    def test_while_a_generator_is_suspended(self, vlm, image, inputs, layout, partial):
        plain = vlm.model(**inputs).logits
        steps = stream(vlm, prepare(vlm, image, PROMPT), partial(1, layout), 6)
        next(steps)
        assert torch.equal(vlm.model(**inputs).logits, plain)
        steps.close()


def hooks(model):
    return [(len(m._forward_pre_hooks), len(m._forward_hooks)) for m in model.modules()]
