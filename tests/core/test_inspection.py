"""What a run records of its inside is what happens in runs of their own."""

import numpy as np
import pytest
import torch
from conftest import PROMPT
from tiny_families import KINDS_FIRST
from tiny_models import random_picture

from vtw_core import InputError, VisualTokenWithdrawal, check_support, record, withdraw
from vtw_core.engine.generation import decode_inside, new_cache, prepare
from vtw_core.every_k.full_run import run_full
from vtw_core.measures.kl import kl_divergence
from vtw_core.pictures.counterfactual_images import MADE
from vtw_core.results.inside import SEGMENTS
from vtw_core.results.sampling import GREEDY, Forced
from vtw_core.strategies.keep_all import KeepAll

PICTURE = random_picture(48, 40)
TOKENS = 3
VISUAL = SEGMENTS.index("visual")


@pytest.fixture(scope="module")
def explored(tiny_models):
    """Family -> (model, its run with everything inside), each explored once."""
    runs = {}

    def explore(family):
        if family not in runs:
            vlm = tiny_models(family)
            runs[family] = vlm, vlm.explore(
                PICTURE, PROMPT, max_new_tokens=TOKENS, inside=True,
                counterfactuals=("white", ("another", random_picture(30, 60, seed=9))),
                patch_lens=True,
            )  # fmt: skip
        return runs[family]

    return explore


@pytest.fixture(params=KINDS_FIRST)
def family(request):
    return request.param


def forced(vlm, picture, strategy, ids):
    """Logits [T, vocabulary] of a given answer on a picture, under a strategy, and its cache."""
    prepared = prepare(vlm, picture, PROMPT)
    cache = new_cache(vlm)
    block = withdraw(vlm.model, strategy, prepared.layout)
    steps = decode_inside(block, vlm, prepared, cache, len(ids), Forced(ids))
    return np.stack([step.logits for step in steps])


def test_recording_does_not_change_the_run(explored, family):
    vlm, run = explored(family)
    plain = vlm.explore(PICTURE, PROMPT, max_new_tokens=TOKENS)
    assert run.answer_ids == plain.answer_ids
    assert np.array_equal(run.kl_positions, plain.kl_positions)


def test_attention_with_withdrawal_is_that_of_a_withdrawn_run(explored, family):
    vlm, run = explored(family)
    attention = run.inside.attention
    ids = run.answer_ids[-1]
    prepared = prepare(vlm, PICTURE, PROMPT)
    for k in range(check_support(vlm.model).k_min, vlm.layers + 1):
        block = withdraw(vlm.model, VisualTokenWithdrawal(k), prepared.layout)
        with record(vlm.model, prepared.layout) as recorder:
            cache = new_cache(vlm)
            list(decode_inside(block, vlm, prepared, cache, len(ids), Forced(ids)))
        rows = np.flatnonzero(np.isin(recorder.query_positions, attention.query_positions))
        expected = recorder.mass.mean(axis=1)[:, rows]
        assert np.abs(attention.mass_at_k[k] - expected).max() <= 1e-3  # half precision
        assert (attention.mass_at_k[k, k:, :, VISUAL] == 0).all()


def test_rows_of_weights_sum_to_one(explored, family):
    _, run = explored(family)
    attention = run.inside.attention
    for shares in (attention.mass, attention.mass_at_k, attention.rows, attention.image):
        assert np.abs(shares.astype(float).sum(-1) - 1).max() <= 4e-3
    baseline = attention.mass.astype(float).mean(axis=1)
    assert np.abs(attention.mass_at_k[-1] - baseline).max() <= 1e-3


def test_a_swapped_image_is_the_other_image_from_the_start_and_nothing_at_the_end(explored, family):
    vlm, run = explored(family)
    ids = run.answer_ids[-1]
    baseline = forced(vlm, PICTURE, KeepAll(), ids)
    test = run.inside.counterfactuals[0]
    other = forced(vlm, MADE["white"](PICTURE), KeepAll(), ids)
    expected = [float(kl_divergence(p, q)) for p, q in zip(other, baseline, strict=True)]
    assert np.allclose(test.swapped_kl[0], expected, atol=1e-5, rtol=1e-4)
    assert np.allclose(test.misled_kl[-1], expected, atol=1e-5, rtol=1e-4)
    assert max(expected) > 1e-3
    assert (test.swapped_kl[-1] == 0).all()
    assert (test.swapped_picks[-1] == ids).all()


def test_a_misled_run_is_a_withdrawn_run_on_the_other_image(explored, family):
    vlm, run = explored(family)
    ids = run.answer_ids[-1]
    baseline = forced(vlm, PICTURE, KeepAll(), ids)
    name, picture = "another", random_picture(30, 60, seed=9).resize(PICTURE.size)
    test = run.inside.counterfactuals[1]
    assert test.name == name
    for k in range(check_support(vlm.model).k_min, vlm.layers):
        other = forced(vlm, picture, VisualTokenWithdrawal(k), ids)
        expected = [float(kl_divergence(p, q)) for p, q in zip(other, baseline, strict=True)]
        assert np.allclose(test.misled_kl[k], expected, atol=1e-5, rtol=1e-4)
        said = np.take_along_axis(torch.log_softmax(torch.as_tensor(other), -1).numpy(),
                                  np.array(ids)[:, None], axis=1)[:, 0]  # fmt: skip
        assert np.allclose(test.misled_log_probability[k], said, atol=1e-4)


def test_an_image_that_never_came_misleads_no_one(explored, family):
    _, run = explored(family)
    for test in run.inside.counterfactuals:
        assert np.allclose(test.misled_kl[0], run.kl_positions[0], atol=1e-5)
        assert np.allclose(test.misled_log_probability[0], run.inside.log_probability[0], atol=1e-5)


def test_the_lens_ends_in_what_the_model_says(explored, family):
    vlm, run = explored(family)
    ids = run.answer_ids[-1]
    lens = run.inside.lens
    baseline = torch.softmax(torch.as_tensor(forced(vlm, PICTURE, KeepAll(), ids)), dim=-1)
    assert (lens.top[-1, :, 0] == ids).all()
    assert np.allclose(lens.answer_probability[-1], baseline.max(-1).values, atol=1e-5)
    assert np.allclose(lens.first_probability[-1], lens.answer_probability[:, 0])
    assert np.allclose(np.exp(run.inside.log_probability[-1]), baseline.max(-1).values, atol=1e-5)
    for k in range(check_support(vlm.model).k_min, vlm.layers):
        said = forced(vlm, PICTURE, VisualTokenWithdrawal(k), ids[:1])[0]
        probability = torch.softmax(torch.as_tensor(said), dim=-1)[ids[0]]
        assert np.isclose(lens.first_probability[k, -1], probability, atol=1e-5)
        assert lens.first_top[k, -1, 0] == said.argmax()
        # Up to state K nothing has been withdrawn.
        assert np.array_equal(lens.first_top[k, : k + 1], lens.top[: k + 1, 0])


def test_the_patch_lens_reads_every_visual_token_in_every_state(explored, family):
    _, run = explored(family)
    lens = run.inside.lens
    assert lens.patches.shape == (run.layers + 1, run.visual_tokens)
    assert ((lens.patch_probabilities > 0) & (lens.patch_probabilities <= 1)).all()


def test_states_are_alike_until_the_image_leaves(explored, family):
    _, run = explored(family)
    inside = run.inside
    k, x = np.ogrid[: run.layers + 1, : run.layers + 1]
    assert (inside.cosine[x <= k] == 1).all()
    assert (inside.norm_ratio[x <= k] == 1).all()
    assert (inside.cosine[x > k] < 1).any()


def test_similarity_by_hand(explored):
    vlm, run = explored("llava")
    prepared = prepare(vlm, PICTURE, PROMPT)
    last = {}

    def keep(name):
        def after(module, args, output):
            last[name] = output[0, -1].double()

        return after

    layer = vlm.model.get_decoder().layers[2]
    for name, strategy in (("full", KeepAll()), ("withdrawn", VisualTokenWithdrawal(1))):
        handle = layer.register_forward_hook(keep(name))
        steps = decode_inside(withdraw(vlm.model, strategy, prepared.layout), vlm, prepared,
                              new_cache(vlm), 1, GREEDY)  # fmt: skip
        list(steps)
        handle.remove()
    row = list(run.inside.attention.query_positions).index(prepared.layout.total - 1)
    full, withdrawn = last["full"], last["withdrawn"]
    cosine = float(full @ withdrawn / full.norm() / withdrawn.norm())
    assert np.isclose(run.inside.cosine[1, 3, row], cosine, atol=1e-3)
    ratio = float(withdrawn.norm() / full.norm())
    assert np.isclose(run.inside.norm_ratio[1, 3, row], ratio, atol=2e-3)


def test_outliers_by_hand(explored):
    vlm, run = explored("llava")
    prepared = prepare(vlm, PICTURE, PROMPT)
    steps = run_full(vlm, prepared, 1, GREEDY)
    seen = []
    handle = (
        vlm.model.get_decoder()
        .layers[1]
        .register_forward_pre_hook(
            lambda module, args, kwargs: seen.append(args[0] if args else kwargs["hidden_states"]),
            with_kwargs=True,
        )
    )
    list(steps)
    handle.remove()
    size = seen[0][0].abs()
    expected = size.amax(-1) / size.median()
    total = prepared.layout.total
    assert np.allclose(run.inside.outliers[1, :total], expected, rtol=1e-4)


def test_patches_and_bins_are_those_of_the_layout(explored, family):
    vlm, run = explored(family)
    layout = prepare(vlm, PICTURE, PROMPT).layout
    assert np.array_equal(run.inside.patches, layout.patches)
    assert run.inside.grids == layout.grids
    assert run.inside.attention.edges[-1] == layout.total + len(run.answer_ids[-1]) - 1


def test_one_token_of_answer_is_enough(vlm, image):
    run = vlm.explore(image, PROMPT, max_new_tokens=1, inside=True, counterfactuals=["noise"])
    assert run.inside.positions == run.prompt_tokens
    assert run.inside.lens.patches.size == 0


def test_the_same_blocks_of_a_large_sweep(vlm, image, monkeypatch):
    from vtw_core.every_k import inspection, sweep

    options = {"max_new_tokens": 2, "inside": True, "counterfactuals": ["blurred"]}
    one = vlm.explore(image, PROMPT, **options).inside
    monkeypatch.setattr(inspection, "_BLOCK", 1)
    monkeypatch.setattr(sweep, "_MOST_BYTES", 1)
    two = vlm.explore(image, PROMPT, **options).inside
    assert np.allclose(one.attention.mass_at_k, two.attention.mass_at_k, atol=1e-3)
    assert np.allclose(one.counterfactuals[0].swapped_kl, two.counterfactuals[0].swapped_kl,
                       atol=1e-6)  # fmt: skip


def test_under_eager_attention_too(vlm, image):
    from oracle import attention

    fused = vlm.explore(image, PROMPT, max_new_tokens=2, inside=True).inside
    with attention(vlm.model, "eager"):
        eager = vlm.explore(image, PROMPT, max_new_tokens=2, inside=True).inside
    assert np.allclose(fused.attention.mass_at_k, eager.attention.mass_at_k, atol=2e-3)
    assert np.allclose(fused.attention.value_norms, eager.attention.value_norms, atol=1e-3)


@pytest.mark.parametrize(
    "options",
    [
        {"counterfactuals": ["white"]},
        {"patch_lens": True},
        {"inside": True, "counterfactuals": ["green"]},
    ],
)
def test_options_that_do_not_fit_are_refused(vlm, image, options):
    with pytest.raises(InputError):
        vlm.explore(image, PROMPT, **options)
