"""MustDrop's vision stage: fewer tokens, every patch in exactly one of them."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import PROMPT
from family_laws import OTHER_PICTURE, PICTURE, close
from oracle import attention, greedy_logits, masked_as
from PIL import Image
from tiny_models import FAMILIES

from vtw_core import InputError, ModelError, withdraw
from vtw_core.engine.generation import generate, prepare, stream
from vtw_core.strategies.mustdrop import MustDrop, VisionStage
from vtw_core.strategies.mustdrop.record import PROTECTED, MustDropRecord
from vtw_core.strategies.mustdrop.rules import merged_windows

HALF_PLAIN = Image.new("RGB", (32, 32), (90, 120, 30))
HALF_PLAIN.paste(PICTURE.resize((16, 32)), (16, 0))
STAGE = VisionStage(similarity=0.6)


@pytest.fixture(scope="module")
def merging(vlm):
    """The tiny model, its features taken from the encoder's end, after the merging."""
    model = copy.deepcopy(vlm.model)
    model.config.vision_feature_layer = -1
    return replace(vlm, model=model)


def with_stage(**options):
    """MustDrop with stage a that drops about half of what is left, not the key set."""
    return MustDrop(1 / 40, 1.0, **{"vision": STAGE, **options})


def first_layer_states(vlm, picture):
    """[patches, width] after the encoder's first layer, without the class token."""
    pixels = vlm.inputs(picture, PROMPT)["pixel_values"]
    out = vlm.model.model.vision_tower(pixels, output_hidden_states=True)
    return out.hidden_states[1][0, 1:]


@pytest.mark.parametrize("pictures", [HALF_PLAIN, [OTHER_PICTURE, HALF_PLAIN]])
def test_every_patch_is_in_exactly_one_token(merging, pictures):
    layout = prepare(merging, pictures, PROMPT, with_stage()).layout
    whole = merging.layout(merging.inputs(pictures, PROMPT))
    assert layout.grids == whole.grids
    assert len(layout.visual) < len(whole.visual)
    assert layout.sizes.sum() == len(whole.visual)
    assert len(layout.visual) + len(layout.absorbed) == len(whole.visual)
    of_tokens = np.concatenate([layout.patches, layout.absorbed[:, 1:]])
    assert {tuple(one) for one in of_tokens} == {tuple(one) for one in whole.patches}
    for index, (token_map, grid) in enumerate(zip(layout.token_maps, layout.grids, strict=True)):
        assert token_map.shape == grid
        shown, sizes = np.unique(token_map, return_counts=True)
        assert shown[0] >= 0
        assert np.array_equal(sizes, layout.sizes[shown])
        assert (layout.patches[shown, 0] == index).all()


def test_windows_are_merged_where_the_rule_says(merging):
    layout = prepare(merging, HALF_PLAIN, PROMPT, with_stage()).layout
    states = first_layer_states(merging, HALF_PLAIN)
    expected = merged_windows(states, (8, 8), STAGE.window, STAGE.similarity)
    assert np.array_equal(layout.token_maps[0].ravel(), expected)
    assert 1 < layout.sizes.max() <= 9


def test_a_merged_token_is_the_mean_of_its_patches(merging):
    """The rest of the encoder, run by hand on means."""
    prepared = prepare(merging, HALF_PLAIN, PROMPT, with_stage())
    tower = merging.model.model.vision_tower
    pixels = merging.inputs(HALF_PLAIN, PROMPT)["pixel_values"]
    with torch.no_grad():
        start = tower(pixels, output_hidden_states=True).hidden_states[1][0]
        means = [
            start[1:][torch.as_tensor(prepared.layout.token_maps[0].ravel() == token)].mean(0)
            for token in range(len(prepared.layout.visual))
        ]
        hidden = torch.stack([start[0], *means])[None]
        for layer in tower.encoder.layers[1:]:
            hidden = layer(hidden, None)
        expected = merging.model.model.multi_modal_projector(hidden[:, 1:])[0]
    close(prepared.vision.pooler_output[0], expected)


@pytest.mark.parametrize("kind", ["sdpa", "eager"])
def test_the_key_set_gets_most_of_the_class_tokens_attention(merging, kind):
    with attention(merging.model, kind):
        prepared = prepare(merging, HALF_PLAIN, PROMPT, with_stage())
    layout = prepared.layout
    tower = merging.model.model.vision_tower
    pixels = merging.inputs(HALF_PLAIN, PROMPT)["pixel_values"]
    with attention(merging.model, "eager"), torch.no_grad():
        start = tower(pixels, output_hidden_states=True).hidden_states[1][0]
        token = torch.as_tensor(layout.token_maps[0].ravel())
        means = torch.stack([start[1:][token == n].mean(0) for n in range(len(layout.visual))])
        layer = tower.encoder.layers[-1]
        hidden = layer.layer_norm1(torch.cat([start[:1], means])[None])
        weights = layer.self_attn(hidden, attention_mask=None)[1]
    score = weights[0].mean(0)[0, 1:].numpy()
    expected = np.sort(np.argsort(-score, kind="stable")[: int(np.ceil(0.08 * len(score)))])
    assert np.array_equal(layout.key, layout.visual[expected])


def test_without_a_class_token_the_key_set_gets_most_of_all_attention(merging, monkeypatch):
    found = []

    class Spy(VisionStage):
        def key_tokens(self, attention):
            found.append(attention)
            return super().key_tokens(attention)

    # A SigLIP tower has none; here the class token is taken away in front of the encoder.
    model = copy.deepcopy(merging.model)
    embeddings = model.model.vision_tower.embeddings
    embeddings.register_forward_hook(lambda module, args, output: output[:, 1:])
    model.config.vision_feature_select_strategy = "full"
    model.model.vision_tower.post_layernorm = torch.nn.Identity()
    bare = replace(merging, model=model)
    layout = prepare(bare, HALF_PLAIN, PROMPT, with_stage(vision=Spy(similarity=0.6))).layout
    assert layout.sizes.sum() == 64
    assert len(found[0]) == len(layout.visual)
    assert np.isclose(found[0].sum(), 1)  # the mean over rows of whole rows


def test_merging_nothing_is_the_baseline_bit_for_bit(merging):
    plain = generate(merging, HALF_PLAIN, PROMPT, None, 6)
    found = generate(merging, HALF_PLAIN, PROMPT, MustDrop(0, 0, VisionStage(similarity=1.1)), 6)
    assert np.array_equal(found.logits, plain.logits)
    assert found.visual_tokens_per_layer == plain.visual_tokens_per_layer


@pytest.mark.parametrize("positions", ["keep", "repack"])
def test_all_stages_equal_masking_of_the_merged_prompt(merging, positions):
    strategy = with_stage(positions=positions, layers=(1,))
    prepared = prepare(merging, [HALF_PLAIN, OTHER_PICTURE], PROMPT, strategy)
    layout = prepared.layout
    kept = replace(strategy, positions="keep")  # the masking oracle renumbers nothing
    with withdraw(merging.model, kept, layout) as withdrawal:
        found, ids = greedy_logits(merging.model, generate_inputs(prepared), 4)
    with attention(merging.model, "eager"), masked_as(merging.model, withdrawal.trace()):
        expected, expected_ids = greedy_logits(merging.model, generate_inputs(prepared), 4)
    assert torch.equal(ids, expected_ids)
    close(found, expected)
    counts = withdrawal.trace().visual_tokens_per_layer
    assert counts[0] == counts[1] == len(layout.visual) > counts[2] >= len(layout.key)
    assert np.isin(layout.key, withdrawal.trace().kept[-1]).all()
    if positions == "keep":
        steps = list(stream(merging, prepared, strategy, 5))
        assert np.array_equal(np.stack([s.logits for s in steps]), found[: len(steps)].numpy())


def generate_inputs(prepared):
    """What `model.generate()` takes of a prompt whose image is already encoded."""
    return {
        "input_ids": prepared.input_ids,
        "attention_mask": torch.ones_like(prepared.input_ids),
        "position_ids": prepared.positions,
        "mm_encoder_outputs": {"image": prepared.vision},
    }


def test_positions_are_kept_or_counted(merging):
    kept = prepare(merging, HALF_PLAIN, PROMPT, with_stage())
    repacked = prepare(merging, HALF_PLAIN, PROMPT, with_stage(positions="repack"))
    whole = merging.layout(merging.inputs(HALF_PLAIN, PROMPT))
    assert torch.equal(repacked.positions[0], torch.arange(repacked.layout.total))
    found = kept.positions[0].numpy()
    assert np.array_equal(found[kept.layout.text], whole.text)
    for place, patch in zip(found[kept.layout.visual], kept.layout.patches, strict=True):
        there = np.flatnonzero((whole.patches == patch).all(axis=1))
        assert place == whole.visual[there[0]]
    assert int(kept.positions_after(0, 1)) == whole.total


def test_the_record_counts_stages_and_protects_the_key_set(merging):
    strategy = with_stage()
    result = generate(merging, HALF_PLAIN, PROMPT, strategy, 3)
    record = MustDropRecord.of(strategy, result.trace)
    assert record.merged_windows == (record.sizes > 1).sum() > 0
    assert record.key.sum() == np.ceil(0.08 * len(record.sizes))
    assert any((one.fate == PROTECTED).any() for one in record.decisions)
    for one in record.decisions:
        assert set(np.flatnonzero(one.fate == PROTECTED)) <= set(np.flatnonzero(record.key))
    document = result.to_json()
    assert document["vision"] == {
        "patches": 64,
        "tokens": len(record.sizes),
        "merged_windows": record.merged_windows,
        "key_tokens": int(record.key.sum()),
    }
    plain = generate(merging, HALF_PLAIN, PROMPT, None, 3)
    assert plain.to_json()["vision"] is None
    assert result.flops_baseline == plain.flops
    assert result.kv_bytes < plain.kv_bytes


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - {"llava"}))
def test_other_families_refuse_and_say_why(tiny_models, family):
    vlm = tiny_models(family)
    with pytest.raises(ModelError, match="Leave the vision stage out") as caught:
        generate(vlm, PICTURE, PROMPT, with_stage(), 2)
    assert vlm.adapter.picture in str(caught.value)


def test_features_from_in_front_of_the_merging_are_refused(vlm):
    with pytest.raises(ModelError, match="second layer"):
        prepare(vlm, PICTURE, PROMPT, with_stage())


def test_a_prompt_that_skipped_the_stage_is_refused(merging, inputs, layout):
    with (
        pytest.raises(InputError, match="vision=None"),
        withdraw(merging.model, with_stage(), layout),
    ):
        pass


def test_the_limit_counts_the_positions_that_merged_patches_leave_behind(merging, monkeypatch):
    monkeypatch.setattr(merging.model.config.text_config, "max_position_embeddings", 100)
    whole = merging.layout(merging.inputs(HALF_PLAIN, PROMPT)).total
    prepared = prepare(merging, HALF_PLAIN, PROMPT, with_stage())
    with pytest.raises(InputError, match=f"answer of {100 - whole};"):
        next(stream(merging, prepared, with_stage(), 100))


@pytest.mark.parametrize("layer", [0, 1])
def test_nothing_is_left_on_the_vision_encoder(merging, layer):
    def hooks():
        return [(len(m._forward_pre_hooks), len(m._forward_hooks)) for m in merging.model.modules()]

    plain = prepare(merging, HALF_PLAIN, PROMPT).vision.pooler_output[0]
    prepare(merging, HALF_PLAIN, PROMPT, with_stage())
    before = hooks()
    mlp = merging.model.model.vision_tower.encoder.layers[layer].mlp
    handle = mlp.register_forward_pre_hook(lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        prepare(merging, HALF_PLAIN, PROMPT, with_stage())
    handle.remove()
    assert hooks() == before
    assert not torch.overrides._get_current_function_mode_stack()
    assert torch.equal(prepare(merging, HALF_PLAIN, PROMPT).vision.pooler_output[0], plain)
