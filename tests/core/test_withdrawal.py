"""The engine, against oracles that share no code with it."""

import copy
import threading

import numpy as np
import pytest
import torch
from conftest import PROMPT
from oracle import attention, greedy_logits, masked

from vtw_core import InputError, KeepAll, ModelError, TokenLayout, VisualTokenWithdrawal, withdraw
from vtw_core.families.adapters import decoder_layers
from vtw_core.hooks.layer_arguments import cache_argument, cache_of
from vtw_core.strategies.base import Strategy

LAYERS = 4
EVERY_K = range(LAYERS + 1)


def hook_counts(model):
    """Hooks of every module, of every kind."""
    return [
        (len(m._forward_pre_hooks), len(m._forward_pre_hooks_with_kwargs), len(m._forward_hooks))
        for m in model.modules()
    ]


@pytest.mark.parametrize("kind", ["sdpa", "eager"])
def test_k_equal_to_l_is_the_baseline_bit_for_bit(vlm, inputs, layout, kind):
    with attention(vlm.model, kind):
        plain = vlm.model(**inputs).logits
        logits, sequence = greedy_logits(vlm.model, inputs)
        for strategy in (VisualTokenWithdrawal(LAYERS), KeepAll()):
            with withdraw(vlm.model, strategy, layout):
                assert torch.equal(vlm.model(**inputs).logits, plain)
                same_logits, same_sequence = greedy_logits(vlm.model, inputs)
            assert torch.equal(same_logits, logits)
            assert torch.equal(same_sequence, sequence)


@pytest.mark.parametrize("kind", ["sdpa", "eager"])
@pytest.mark.parametrize("k", EVERY_K)
def test_dropping_equals_masking_through_prefill_and_eight_steps(vlm, inputs, layout, k, kind):
    visual = torch.as_tensor(layout.visual.copy())
    with attention(vlm.model, "eager"), masked(vlm.model, visual, k):
        expected, expected_ids = greedy_logits(vlm.model, inputs)
    with attention(vlm.model, kind), withdraw(vlm.model, VisualTokenWithdrawal(k), layout):
        dropped, ids = greedy_logits(vlm.model, inputs)
    assert torch.equal(ids, expected_ids)
    # Logits here are of the order of 1 to 10; float32 rounding is what remains.
    assert (dropped - expected).abs().max() <= 1e-5 * max(1.0, float(expected.abs().max()))


def test_the_oracle_is_not_vacuous(vlm, inputs, layout):
    plain = vlm.model(**inputs).logits[0, -1]
    for k in range(LAYERS):
        with withdraw(vlm.model, VisualTokenWithdrawal(k), layout):
            assert (vlm.model(**inputs).logits[0, -1] - plain).abs().max() > 0.1


@pytest.mark.parametrize("k", [0, 2, 3])
def test_a_teacher_forced_answer_after_the_prompt_equals_masking(vlm, inputs, layout, k):
    answer = torch.tensor([[9, 30, 41, 7]])
    longer = {
        **inputs,
        "input_ids": torch.cat([inputs["input_ids"], answer], 1),
        "attention_mask": torch.ones(1, layout.total + 4, dtype=torch.long),
    }
    visual = torch.as_tensor(layout.visual.copy())
    with attention(vlm.model, "eager"), masked(vlm.model, visual, k):
        expected = vlm.model(**longer, logits_to_keep=5).logits
    with withdraw(vlm.model, VisualTokenWithdrawal(k), layout):
        dropped = vlm.model(**longer, logits_to_keep=5).logits
    assert torch.allclose(dropped, expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("k", EVERY_K)
def test_generate_under_beams_equals_masking(vlm, inputs, layout, k):
    options = {"num_beams": 3, "do_sample": False, "max_new_tokens": 6, "min_new_tokens": 6}
    visual = torch.as_tensor(layout.visual.copy())
    with attention(vlm.model, "eager"), masked(vlm.model, visual, k):
        expected = vlm.model.generate(**inputs, **options)
    for kind in ("sdpa", "eager"):
        with attention(vlm.model, kind), withdraw(vlm.model, VisualTokenWithdrawal(k), layout):
            assert torch.equal(vlm.model.generate(**inputs, **options), expected)


@pytest.mark.parametrize("k", [0, 1, 3])
def test_generate_without_a_cache_gives_the_same_answer(vlm, inputs, layout, k):
    with withdraw(vlm.model, VisualTokenWithdrawal(k), layout):
        cached = vlm.model.generate(**inputs, do_sample=False, max_new_tokens=5)
        uncached = vlm.model.generate(**inputs, do_sample=False, max_new_tokens=5, use_cache=False)
    assert torch.equal(cached, uncached)


@pytest.mark.parametrize("k", EVERY_K)
def test_hidden_states_below_k_are_untouched_and_rows_above_are_text(vlm, inputs, layout, k):
    plain = vlm.model(**inputs, output_hidden_states=True).hidden_states
    with withdraw(vlm.model, VisualTokenWithdrawal(k), layout):
        cut = vlm.model(**inputs, output_hidden_states=True).hidden_states
    # hidden_states[0] is what layer 0 reads, hidden_states[l] what layer l - 1 returns.
    assert torch.equal(cut[0], plain[0] if k else plain[0][:, layout.text])
    for level in range(1, k + 1):
        assert torch.equal(cut[level], plain[level])
    for level in range(k + 1, LAYERS + 1):
        assert cut[level].shape[1] == len(layout.text)


@pytest.mark.parametrize("k", EVERY_K)
def test_caches_are_shorter_from_layer_k_on(vlm, inputs, layout, k):
    text = layout.total - len(layout.visual)
    with withdraw(vlm.model, VisualTokenWithdrawal(k), layout) as withdrawal:
        cache = cache_of(vlm.model(**inputs, use_cache=True))
    lengths = [cache.get_seq_length(layer) for layer in range(LAYERS)]
    assert lengths == [layout.total] * k + [text] * (LAYERS - k)
    visual = len(layout.visual)
    assert withdrawal.visual_tokens_per_layer == (visual,) * k + (0,) * (LAYERS - k)


@pytest.mark.parametrize("k", [0, 2])
def test_repacked_positions_without_a_cache_give_the_same_answer(vlm, inputs, layout, k):
    with withdraw(vlm.model, VisualTokenWithdrawal(k, "repack"), layout):
        cached = vlm.model.generate(**inputs, do_sample=False, max_new_tokens=5)
        uncached = vlm.model.generate(**inputs, do_sample=False, max_new_tokens=5, use_cache=False)
    assert torch.equal(cached, uncached)


def test_a_strategy_may_drop_some_tokens_at_some_layers(vlm, inputs, layout):
    class HalfThenNone(Strategy):
        name = "half"

        def kept(self, view):
            alive = view.alive
            return {0: alive, 1: alive[::2], 2: alive[::2]}.get(view.layer, alive[:0])

    with withdraw(vlm.model, HalfThenNone(), layout) as withdrawal:
        logits, _ = greedy_logits(vlm.model, inputs, steps=4)
    visual = len(layout.visual)
    assert withdrawal.visual_tokens_per_layer == (visual, visual // 2, visual // 4, 0)
    assert torch.isfinite(logits).all()


class TestNothingIsLeftBehind:
    """Hooks and answers are the same before and after, whatever happens in the block."""

    @pytest.fixture(
        params=[
            KeepAll(),
            VisualTokenWithdrawal(0),
            VisualTokenWithdrawal(2),
            VisualTokenWithdrawal(1, "repack"),
        ],
        ids=str,
    )
    def strategy(self, request):
        return request.param

    @pytest.fixture(autouse=True)
    def unchanged(self, vlm, inputs):
        # transformers installs hooks of its own at the first output_hidden_states; do that first.
        plain = vlm.model(**inputs, output_hidden_states=True).logits
        before = hook_counts(vlm.model)
        yield
        assert hook_counts(vlm.model) == before
        assert torch.equal(vlm.model(**inputs).logits, plain)

    def test_after_success(self, vlm, inputs, layout, strategy):
        with withdraw(vlm.model, strategy, layout):
            vlm.model.generate(**inputs, do_sample=False, max_new_tokens=3)

    def test_after_an_exception_in_the_body(self, vlm, inputs, layout, strategy):
        def body():
            vlm.model(**inputs)
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError), withdraw(vlm.model, strategy, layout):
            body()

    def test_after_an_error_in_a_layer(self, vlm, inputs, layout, strategy):
        def fail(module, args, kwargs):
            raise RuntimeError("layer 2 fails")

        handle = decoder_layers(vlm.model)[2].register_forward_pre_hook(fail, with_kwargs=True)
        try:
            with pytest.raises(RuntimeError), withdraw(vlm.model, strategy, layout):
                vlm.model(**inputs)
        finally:
            handle.remove()

    def test_after_an_error_while_entering(self, vlm, layout, strategy, monkeypatch):
        layer = decoder_layers(vlm.model)[2]
        monkeypatch.setattr(layer, "register_forward_pre_hook", None)
        with pytest.raises(TypeError), withdraw(vlm.model, strategy, layout):
            pass

    def test_after_a_cancelled_generator(self, vlm, image, inputs, strategy):
        from vtw_core.engine.generation import prepare, stream

        steps = stream(vlm, prepare(vlm, image, PROMPT), strategy, 6)
        next(steps)
        next(steps)
        steps.close()

    def test_while_a_generator_is_suspended_the_caller_sees_the_plain_model(
        self, vlm, image, inputs, strategy
    ):
        from vtw_core.engine.generation import prepare, stream

        plain = vlm.model(**inputs).logits
        steps = stream(vlm, prepare(vlm, image, PROMPT), strategy, 6)
        next(steps)
        assert torch.equal(vlm.model(**inputs).logits, plain)
        steps.close()

    def test_after_a_user_generator_closed_in_another_thread(self, vlm, inputs, layout, strategy):
        def body():
            with withdraw(vlm.model, strategy, layout):
                yield vlm.model(**inputs).logits

        generator = body()
        next(generator)
        thread = threading.Thread(target=generator.close)
        thread.start()
        thread.join()
        # And the context that it was opened in can withdraw again.
        with withdraw(vlm.model, strategy, layout):
            vlm.model(**inputs)


def test_two_threads_on_one_model_do_not_disturb_each_other(vlm, inputs, layout):
    expected = {}
    for k in EVERY_K:
        with withdraw(vlm.model, VisualTokenWithdrawal(k), layout):
            expected[k] = vlm.model(**inputs).logits
    plain = vlm.model(**inputs).logits
    wrong, stop = [], threading.Event()

    def run_plain():
        while not stop.is_set():
            if not torch.equal(vlm.model(**inputs).logits, plain):
                wrong.append("plain")

    def run_withdrawn(k):
        for _ in range(25):
            with withdraw(vlm.model, VisualTokenWithdrawal(k), layout):
                if not torch.equal(vlm.model(**inputs).logits, expected[k]):
                    wrong.append(k)

    failures = []

    def guarded(target, *args):
        try:
            target(*args)
        except Exception as error:
            failures.append(error)

    plain_thread = threading.Thread(target=guarded, args=(run_plain,))
    workers = [threading.Thread(target=guarded, args=(run_withdrawn, k)) for k in EVERY_K]
    for thread in (plain_thread, *workers):
        thread.start()
    for thread in workers:
        thread.join()
    stop.set()
    plain_thread.join()
    assert not failures
    assert not wrong


class TestRefusals:
    """What cannot be followed is refused in words, not computed wrongly."""

    def test_k_beyond_the_layers(self, vlm, layout):
        with (
            pytest.raises(InputError, match="0 to 4"),
            withdraw(vlm.model, VisualTokenWithdrawal(LAYERS + 1), layout),
        ):
            pass

    @pytest.mark.parametrize("k", [-1, 1.5, "2", True, None])
    def test_k_that_is_no_count(self, k):
        with pytest.raises(InputError, match="whole number"):
            VisualTokenWithdrawal(k)

    @pytest.mark.parametrize("positions", ["shift", None, 0])
    def test_positions_that_are_no_choice(self, positions):
        with pytest.raises(InputError, match="'keep' or 'repack'"):
            VisualTokenWithdrawal(2, positions)

    def test_nested_blocks_on_one_model(self, vlm, inputs, layout):
        with withdraw(vlm.model, KeepAll(), layout):
            with (
                pytest.raises(InputError, match="already"),
                withdraw(vlm.model, KeepAll(), layout),
            ):
                pass
            vlm.model(**inputs)

    def test_a_static_cache(self, vlm, inputs, layout):
        with (
            pytest.raises(ModelError, match="dynamic cache"),
            withdraw(vlm.model, VisualTokenWithdrawal(2), layout),
        ):
            vlm.model.generate(**inputs, max_new_tokens=3, cache_implementation="static")

    def test_a_prompt_in_chunks(self, vlm, inputs, layout):
        with (
            pytest.raises(ModelError, match="whole prompt"),
            withdraw(vlm.model, VisualTokenWithdrawal(2), layout),
        ):
            vlm.model.get_decoder()(inputs_embeds=torch.zeros(1, 10, 32))

    def test_generating_in_chunks(self, vlm, inputs, layout):
        with (
            pytest.raises(ModelError, match="whole prompt"),
            withdraw(vlm.model, VisualTokenWithdrawal(2), layout),
        ):
            vlm.model.generate(**inputs, max_new_tokens=3, prefill_chunk_size=16)

    @pytest.mark.parametrize("k", [0, 2])
    def test_assisted_decoding(self, vlm, inputs, layout, k):
        assistant = copy.deepcopy(vlm.model)
        with (
            pytest.raises(ModelError, match="assisted decoding"),
            withdraw(vlm.model, VisualTokenWithdrawal(k), layout),
        ):
            vlm.model.generate(**inputs, max_new_tokens=12, assistant_model=assistant)

    def test_positions_that_do_not_count_on(self, vlm, inputs, layout):
        with withdraw(vlm.model, VisualTokenWithdrawal(0), layout):
            cache = cache_of(vlm.model(**inputs, use_cache=True))
            with pytest.raises(ModelError, match="pass the new tokens alone"):
                vlm.model(input_ids=torch.tensor([[5]]), **cache_argument(vlm.model, cache))

    def test_a_compiled_model(self, vlm, inputs, layout, monkeypatch):
        monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
        with (
            pytest.raises(ModelError, match=r"without torch\.compile"),
            withdraw(vlm.model, VisualTokenWithdrawal(2), layout),
        ):
            vlm.model(**inputs)

    def test_a_mask_that_is_no_tensor(self, vlm, inputs, layout):
        def block_mask(module, args, kwargs):  # as under flex attention
            return args, {**kwargs, "attention_mask": object()}

        handle = decoder_layers(vlm.model)[2].register_forward_pre_hook(
            block_mask, with_kwargs=True
        )
        try:
            with (
                pytest.raises(ModelError, match="use sdpa or eager"),
                withdraw(vlm.model, VisualTokenWithdrawal(2), layout),
            ):
                vlm.model(**inputs)
        finally:
            handle.remove()

    def test_a_cache_from_outside_the_block(self, vlm, inputs, layout):
        cache = cache_of(vlm.model(**inputs, use_cache=True))
        with (
            pytest.raises(ModelError, match="outside"),
            withdraw(vlm.model, VisualTokenWithdrawal(2), layout),
        ):
            vlm.model(input_ids=torch.tensor([[5]]), **cache_argument(vlm.model, cache))

    def test_a_sliding_window_shorter_than_the_prompt(self, vlm, inputs, layout):
        from transformers.cache_utils import DynamicCache, DynamicSlidingWindowLayer

        cache = DynamicCache()
        cache.layers = [DynamicSlidingWindowLayer(sliding_window=16) for _ in range(LAYERS)]
        with (
            pytest.raises(ModelError, match="sliding window"),
            withdraw(vlm.model, VisualTokenWithdrawal(2), layout),
        ):
            vlm.model(**inputs, **cache_argument(vlm.model, cache), use_cache=True)

    def test_a_model_that_is_not_supported(self, layout):
        from transformers import LlamaConfig, LlamaForCausalLM

        small = LlamaConfig(
            hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1,
            vocab_size=8,
        )  # fmt: skip
        with (
            pytest.raises(ModelError, match="'llama' read only text"),
            withdraw(LlamaForCausalLM(small), KeepAll(), layout),
        ):
            pass


def test_a_batch_of_prompts_is_refused_by_the_layout(vlm, inputs):
    twice = {**inputs, "input_ids": inputs["input_ids"].repeat(2, 1)}
    with pytest.raises(ModelError, match="One prompt"):
        TokenLayout.from_inputs(vlm.model, twice)


def test_grouped_query_attention_is_what_the_tiny_model_uses(vlm):
    assert vlm.dims.kv_heads < vlm.dims.heads
    assert np.isfinite(vlm.dims.head_dim)
