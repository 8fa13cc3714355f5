"""What a strategy is shown of a layer is what the model has there, and it is shown no more."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from family_laws import OTHER_PICTURE, PICTURE, PROMPT, SHORT_PROMPT, batch_inputs
from oracle import attention
from published_methods import METHODS, Ahead, Duplicates, LeastChanged, Tower
from test_strategies import first_layer, is_dropping_masking
from tiny_models import FAMILIES
from views_by_hand import layout_of, view_of

from vtw_core import FastV, InputError, KeepAll, ModelError, TokenLayout, withdraw
from vtw_core.compare.methods import compare_methods
from vtw_core.engine.generation import prepare, stream
from vtw_core.hooks.layer_arguments import cache_of
from vtw_core.strategies.base import Strategy
from vtw_core.strategies.method import Method
from vtw_core.strategies.view import ATTENTION_NEEDS, Decision, Need

EVERYTHING = frozenset(Need)


@dataclass(frozen=True)
class Looking(Strategy):
    """Drops nobody, asks everything of every layer, and shows what it saw to `seen`."""

    name = "looking"

    seen: object
    asked: frozenset = EVERYTHING

    def needs(self, layers):
        return dict.fromkeys(range(layers), self.asked)

    def kept(self, view):
        self.seen(view)
        return view.alive


@pytest.fixture(params=["llava", "qwen2_vl", "gemma3"])
def some_family(request, tiny_models):
    return tiny_models(request.param)


@pytest.mark.parametrize("kind", ["sdpa", "eager"])
def test_it_is_what_the_model_has_there(some_family, kind):
    vlm = some_family
    inputs = vlm.inputs(PICTURE, PROMPT)
    layout = vlm.layout(inputs)
    with attention(vlm.model, "eager"), torch.no_grad():
        plain = vlm.model(
            **inputs, output_hidden_states=True, output_attentions=True, use_cache=True
        )
    every, caches = np.arange(layout.total), cache_of(plain).layers
    looked = []

    def look(view):
        looked.append(view.layer)
        states = plain.hidden_states
        close(view.states(every), states[view.layer][0])
        ahead = view.ahead(Need.HEADS)
        rows, columns = ahead.rows, ahead.columns
        assert np.array_equal(columns, layout.visual)
        close(ahead.heads, plain.attentions[view.layer][0][:, rows][:, :, columns])
        if view.layer == 0:
            return
        before, was = view.before, view.layer - 1
        close(before.entering(every), states[was][0])
        moved = states[view.layer][0] - states[was][0]
        close(view.change(layout.visual), moved.norm(dim=-1)[layout.visual.tolist()])
        close(before.keys(every), caches[was].keys[0])
        close(before.values(layout.visual), caches[was].values[0][:, layout.visual.tolist()])
        weights = plain.attentions[was][0][:, rows][:, :, columns]
        close(view.attention.heads, weights)
        close(view.attention.weights, weights.mean(0))

    with (
        attention(vlm.model, kind),
        torch.no_grad(),
        withdraw(vlm.model, Looking(look), layout),
    ):
        found = vlm.model(**inputs, use_cache=True)
    assert looked == list(range(vlm.layers))
    with attention(vlm.model, kind), torch.no_grad():
        assert torch.equal(found.logits, vlm.model(**inputs).logits)


def close(found, expected):
    np.testing.assert_allclose(found, expected.numpy(), atol=2e-5, rtol=1e-4)


def test_without_rotary_positions_it_looks_ahead_at_content_alone(vlm, inputs, layout):
    turned, plain = [], []

    def look(view):
        turned.append(view.ahead().weights)
        plain.append(view.ahead(rotary=False).weights)

    with torch.no_grad(), withdraw(vlm.model, Looking(look), layout):
        vlm.model(**inputs)
    layer = vlm.model.get_decoder().layers[0]
    with torch.no_grad():
        states = vlm.model(**inputs, output_hidden_states=True).hidden_states[0]
        normed = layer.input_layernorm(states)
        attend = layer.self_attn
        shape = (*normed.shape[:2], -1, attend.head_dim)
        query, key = (
            project(normed).view(shape).transpose(1, 2)[0]
            for project in (attend.q_proj, attend.k_proj)
        )
        key = key.repeat_interleave(len(query) // len(key), dim=0)
        weights = (query[:, -1:] @ key.transpose(1, 2) * attend.scaling).softmax(-1).mean(0)
    close(plain[0], weights[:, layout.visual.tolist()])
    assert all(not np.allclose(one, other) for one, other in zip(turned, plain, strict=True))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_published_methods_can_be_written_and_dropping_equals_masking(tiny_models, family, method):
    vlm = tiny_models(family)
    trace = is_dropping_masking(vlm, PICTURE, lambda first, layout: method(first))
    counts = trace.visual_tokens_per_layer
    assert counts[-1] <= counts[0] // 2


@pytest.mark.parametrize("method", METHODS)
def test_in_a_padded_batch_each_prompt_is_judged_alone(vlm, method):
    images, prompts = [[PICTURE], [OTHER_PICTURE]], [SHORT_PROMPT, PROMPT]
    inputs = batch_inputs(vlm, images, prompts)
    layouts = TokenLayout.batch_from_inputs(vlm.model, inputs)
    with torch.no_grad(), withdraw(vlm.model, method(2), layouts) as withdrawal:
        vlm.model(**inputs, use_cache=True)
    for row, (own, prompt) in enumerate(zip(images, prompts, strict=True)):
        single = vlm.inputs(own, prompt)
        layout = vlm.layout(single)
        with torch.no_grad(), withdraw(vlm.model, method(2), layout) as alone:
            vlm.model(**single, use_cache=True)
        kept = withdrawal.trace(row).kept[-1] - layouts[row].padding
        assert np.array_equal(kept, alone.trace().kept[-1])


@pytest.mark.parametrize("need", sorted(Need, key=str))
def test_what_was_not_requested_is_not_shown(vlm, inputs, layout, need):
    reads = {
        Need.ATTENTION: lambda view: view.attention,
        Need.LAST_ROW: lambda view: view.attention,
        Need.HEADS: lambda view: view.attention,
        Need.AHEAD: lambda view: view.ahead(),
        Need.STATES: lambda view: view.before.entering(view.alive),
        Need.KEYS: lambda view: view.before.keys(view.alive),
        Need.VALUES: lambda view: view.before.values(view.alive),
    }
    together = ATTENTION_NEEDS if need in ATTENTION_NEEDS else {need}

    def look(view):
        if view.layer:
            with pytest.raises(InputError, match="did not ask for it"):
                reads[need](view)
            with pytest.raises(InputError, match="did not ask for it"):
                view.at(view.layer)

    with torch.no_grad(), withdraw(vlm.model, Looking(look, EVERYTHING - together), layout):
        vlm.model(**inputs, use_cache=True)


def test_nothing_is_recorded_of_a_layer_that_is_not_requested(vlm, inputs, layout):
    shown = []

    class Once(Looking):
        def needs(self, layers):
            return {1: frozenset({Need.STATES})}

    with torch.no_grad(), withdraw(vlm.model, Once(lambda view: shown.append(view)), layout):
        vlm.model(**inputs)
    assert [sorted(view.recorded) for view in shown] == [[], [], [1], [1]]


def test_keys_without_a_cache_are_refused(vlm, inputs, layout):
    with (
        withdraw(vlm.model, Duplicates(2), layout),
        pytest.raises(ModelError, match="use_cache"),
        torch.no_grad(),
    ):
        vlm.model(**inputs, use_cache=False)


def test_a_view_after_another_strategy_shows_its_tokens_alone(vlm, inputs, layout):
    seen = []

    class After(Looking):
        def kept(self, view):
            if view.layer == 2:
                seen.append((view.alive, view.attention.columns, view.ahead().columns))
            return view.alive

    chain = FastV(2, 0.5).then(After(None))
    with torch.no_grad(), withdraw(vlm.model, chain, layout) as withdrawal:
        vlm.model(**inputs, use_cache=True)
    kept = np.intersect1d(withdrawal.trace().kept[2], layout.visual)
    assert len(kept) == 32
    for one in seen[0]:
        assert np.array_equal(one, kept)


def test_change_by_hand():
    layout = layout_of([1, 2], 4)
    moved = {1: [3.0, 4.0], 2: [0.0, 1.0]}
    view = view_of(
        layout, 5, states=lambda tokens: np.array([moved[one] for one in tokens.tolist()]),
        entering=lambda tokens: np.zeros((len(tokens), 2)),
    )  # fmt: skip
    assert view.change(layout.visual).tolist() == [5.0, 1.0]
    assert LeastChanged(5).decide(view).kept.tolist() == [1]
    assert view.text.tolist() == [0, 3]


def test_a_decision_says_what_became_of_each_token_of_the_prompt():
    layout = layout_of(range(1, 6), 8)
    decision = Decision(np.array([2, 5]), {"score": [3.0, 1.0, 2.0]}, {"score": 2.0})
    fates = decision.fates(7, np.array([2, 4, 5]), layout)
    assert fates.layer == 7
    assert [fates.reasons[fate] for fate in fates.fate] == [
        "had left before", "stayed", "had left before", "left", "stayed",
    ]  # fmt: skip
    assert fates.score("score")[[1, 3, 4]].tolist() == [3.0, 1.0, 2.0]
    assert np.isnan(fates.score("score")[[0, 2]]).all()
    assert fates.thresholds.tolist() == [2.0]
    assert Decision(np.array([2])).fates(7, np.array([2, 4]), layout) is None


@pytest.mark.parametrize("kind", ["sdpa", "eager"])
def test_the_vision_encoder_is_shown_as_it_is(vlm, kind):
    seen = []

    class Towers(Looking):
        def tower_layers(self, layers):
            return tuple(range(layers))

    strategy = Towers(seen.append, frozenset())
    images = [PICTURE, OTHER_PICTURE]
    with attention(vlm.model, kind):
        prepared = prepare(vlm, images, PROMPT, strategy)
        (step,) = stream(vlm, prepared, strategy, 1)
        (plain,) = stream(vlm, prepare(vlm, images, PROMPT), KeepAll(), 1)
    assert np.array_equal(step.logits, plain.logits)
    assert step.trace.layout.tower is None
    pixels = vlm.inputs(images, PROMPT)["pixel_values"]
    with attention(vlm.model, "eager"), torch.no_grad():
        tower = vlm.model.model.vision_tower(
            pixels, output_hidden_states=True, output_attentions=True
        )
    layout = prepared.layout
    grid, row, col = layout.patches.T
    place = row * layout.grids[0][1] + col + 1  # after the class token
    for index in range(len(tower.attentions)):
        shown, weights = seen[0].tower(index), tower.attentions[index].mean(1)
        close(shown.received, weights.mean(1)[grid.tolist(), place.tolist()])
        close(shown.from_class, weights[:, 0][grid.tolist(), place.tolist()])
        close(shown.features, tower.hidden_states[index + 1][grid.tolist(), place.tolist()])


def test_a_method_by_the_vision_encoder_runs_where_it_can_be_shown(vlm, image, tiny_models):
    found = vlm.generate(image, PROMPT, Tower(1), 2)
    assert found.visual_tokens_per_layer == (64, 32, 32, 32)
    chain = Tower(1).then(FastV(2, 0.5))
    (entry,) = compare_methods(vlm, image, PROMPT, [Method("a", chain)], timed=1).entries
    assert entry.visual_tokens_per_layer == (64, 32, 16, 16)
    with pytest.raises(ModelError, match="LLaVA's encoders alone"):
        tiny_models("qwen2_vl").generate(image, PROMPT, Tower(1), 2)


def test_the_encoder_must_have_been_shown(vlm, inputs, layout):
    with pytest.raises(InputError, match="prepare"), withdraw(vlm.model, Tower(1), layout):
        pass
    view = view_of(layout_of([1, 2], 4), 1)
    with pytest.raises(InputError, match="did not ask for it"):
        view.tower(0)


def test_attention_ahead_leaves_the_recording_of_others_alone(vlm, inputs, layout):
    from vtw_core import record

    first = first_layer(vlm)
    with withdraw(vlm.model, Ahead(first), layout), record(vlm.model, layout) as recorder:
        with torch.no_grad():
            vlm.model(**inputs, use_cache=True)
        assert np.abs(recorder.rows.sum(-1) - 1).max() <= 1e-5
