"""What every family in the adapter table must satisfy, one function per law.

A law takes a family's tiny model and raises AssertionError where it does not hold. `test_families`
runs every law on every family and holds docs/families.json and docs/models.md against them.
"""

import numpy as np
import torch
from oracle import attention, greedy_logits, masked, renumbered, withdrawn_logits
from tiny_models import FAMILIES, HAND_MADE, random_picture

from vtw_core import KeepAll, TokenLayout, VisualTokenWithdrawal, check_support, withdraw
from vtw_core.engine.generation import prepare, stream
from vtw_core.families.adapters import ADAPTERS
from vtw_core.families.prompts import render
from vtw_core.hooks.layer_arguments import cache_of
from vtw_core.measures.kl import kl_divergence

PROMPT = "What is left of the red ball?"
SHORT_PROMPT = "Describe the picture."
STEPS = 8
BEAMS = {"num_beams": 3, "do_sample": False, "max_new_tokens": 5, "min_new_tokens": 5}
PICTURE = random_picture(48, 40)
OTHER_PICTURE = random_picture(20, 44, seed=5)


def every_k(vlm):
    """K from the family's smallest to L."""
    return range(check_support(vlm.model).k_min, vlm.layers + 1)


def visual_of(layout):
    return torch.as_tensor(layout.visual.copy())


def close(found, expected):
    """float32 rounding is what remains; logits here are of the order of 1 to 10."""
    scale = max(1.0, float(expected.abs().max()))
    assert (found - expected).abs().max() <= 1e-5 * scale


def dropping_is_masking(vlm, images, ks):
    inputs = vlm.inputs(images, PROMPT)
    layout = vlm.layout(inputs)
    plain, _ = greedy_logits(vlm.model, inputs, STEPS)
    for k in ks:
        with attention(vlm.model, "eager"), masked(vlm.model, visual_of(layout), k):
            expected, ids = greedy_logits(vlm.model, inputs, STEPS)
        with withdraw(vlm.model, VisualTokenWithdrawal(k), layout):
            found, found_ids = greedy_logits(vlm.model, inputs, STEPS)
        assert torch.equal(found_ids, ids)
        close(found, expected)
        # Without an effect of the image the law would say nothing.
        assert k == vlm.layers or (found[0] - plain[0]).abs().max() > 0.1


def greedy(vlm):
    """dropping equals masking: prefill and 8 greedy steps, every K"""
    dropping_is_masking(vlm, PICTURE, every_k(vlm))


def several_images(vlm):
    """dropping equals masking with several images in the prompt"""
    dropping_is_masking(vlm, [PICTURE, OTHER_PICTURE], [every_k(vlm)[0], 3])


def beams(vlm):
    """dropping equals masking under beam search"""
    inputs = vlm.inputs(PICTURE, PROMPT)
    layout = vlm.layout(inputs)
    for k in every_k(vlm)[:-1]:
        with attention(vlm.model, "eager"), masked(vlm.model, visual_of(layout), k):
            expected = vlm.model.generate(**inputs, **BEAMS)
        with withdraw(vlm.model, VisualTokenWithdrawal(k), layout):
            assert torch.equal(vlm.model.generate(**inputs, **BEAMS), expected)


def baseline(vlm):
    """K = L is the plain model, bit for bit"""
    inputs = vlm.inputs(PICTURE, PROMPT)
    layout = vlm.layout(inputs)
    plain, ids = greedy_logits(vlm.model, inputs, STEPS)
    for strategy in (
        KeepAll(),
        VisualTokenWithdrawal(vlm.layers),
        VisualTokenWithdrawal(vlm.layers, "repack"),
    ):
        with withdraw(vlm.model, strategy, layout):
            same, same_ids = greedy_logits(vlm.model, inputs, STEPS)
        assert torch.equal(same, plain)
        assert torch.equal(same_ids, ids)


def below_k(vlm):
    """below K hidden states are untouched, from K on caches are shorter"""
    inputs = vlm.inputs(PICTURE, PROMPT)
    layout = vlm.layout(inputs)
    text = len(layout.text)
    plain = vlm.model(**inputs, output_hidden_states=True).hidden_states
    for k in every_k(vlm):
        with withdraw(vlm.model, VisualTokenWithdrawal(k), layout) as withdrawal:
            out = vlm.model(**inputs, output_hidden_states=True, use_cache=True)
        for level in range(k + 1):
            cut = k == level == 0
            expected = plain[level][:, layout.text] if cut else plain[level]
            assert torch.equal(out.hidden_states[level], expected)
        lengths = [cache_of(out).get_seq_length(layer) for layer in range(vlm.layers)]
        assert lengths == [layout.total] * k + [text] * (vlm.layers - k)
        visual = len(layout.visual)
        assert withdrawal.visual_tokens_per_layer == (visual,) * k + (0,) * (vlm.layers - k)


def streaming(vlm):
    """one token at a time, the image encoded once, equals generate() bit for bit"""
    inputs = vlm.inputs(PICTURE, PROMPT)
    layout = vlm.layout(inputs)
    prepared = prepare(vlm, PICTURE, PROMPT)
    for k in every_k(vlm):
        with withdraw(vlm.model, VisualTokenWithdrawal(k), layout):
            logits, _ = greedy_logits(vlm.model, inputs, 4)
        steps = list(stream(vlm, prepared, VisualTokenWithdrawal(k), 5))
        found = np.stack([step.logits for step in steps])
        assert np.array_equal(found, logits[: len(steps)].numpy())


def batch_inputs(vlm, images, prompts):
    """Processed inputs of a batch, one list of images for each prompt, padded on the left."""
    text = [
        render(prompt, vlm.processor, len(own), vlm.adapter.has_chat_template)
        for own, prompt in zip(images, prompts, strict=True)
    ]
    bos = vlm.processor.tokenizer.bos_token
    inputs = vlm.processor(
        images=images,
        text=text,
        return_tensors="pt",
        padding=True,
        padding_side="left",
        add_special_tokens=not text[0].startswith(bos),
    )
    inputs.pop("labels", None)
    return inputs


def rows_alone(vlm, singles, strategy):
    """Logits [prompt][steps, vocabulary] and beam answers of prompts that run alone."""
    logits, answers = [], []
    for inputs in singles:
        layout = vlm.layout(inputs)
        with withdraw(vlm.model, strategy, layout):
            logits.append(greedy_logits(vlm.model, inputs, STEPS)[0])
            answers.append(vlm.model.generate(**inputs, **BEAMS)[0, layout.total :])
    return logits, answers


def batch(vlm):
    """each row of a padded batch equals its prompt alone, greedy and under beams"""
    images, prompts = [[PICTURE], [OTHER_PICTURE]], [SHORT_PROMPT, PROMPT]
    singles = [vlm.inputs(own, prompt) for own, prompt in zip(images, prompts, strict=True)]
    inputs = batch_inputs(vlm, images, prompts)
    layouts = TokenLayout.batch_from_inputs(vlm.model, inputs)
    total = inputs["input_ids"].shape[1]
    first, deep = every_k(vlm)[0], vlm.layers - 1
    for k, positions, kind in (
        (first, "keep", "sdpa"), (first, "repack", "sdpa"), (deep, "keep", "eager"),
    ):  # fmt: skip
        strategy = VisualTokenWithdrawal(k, positions)
        logits, answers = rows_alone(vlm, singles, strategy)
        with attention(vlm.model, kind), withdraw(vlm.model, strategy, layouts):
            found = batch_logits(vlm.model, inputs)
            found_answers = vlm.model.generate(**inputs, **BEAMS)[:, total:]
        for row in range(len(singles)):
            close(found[:, row], logits[row])
            assert torch.equal(found_answers[row], answers[row])


def batch_logits(model, inputs):
    """[steps, prompts, vocabulary] logits of greedy generation."""
    out = model.generate(
        **inputs, do_sample=False, max_new_tokens=STEPS + 1, min_new_tokens=STEPS + 1,
        return_dict_in_generate=True, output_logits=True,
    )  # fmt: skip
    return torch.stack(out.logits)


def repack(vlm):
    """repacked positions equal masking with renumbered rotary tables"""
    inputs = vlm.inputs(PICTURE, PROMPT)
    layout = vlm.layout(inputs)
    visual = visual_of(layout)
    first = int(vlm.adapter.positions(vlm.model, inputs).min())
    for k in every_k(vlm)[:-1]:
        with (
            attention(vlm.model, "eager"),
            masked(vlm.model, visual, k),
            renumbered(vlm.model, visual, k, first),
        ):
            expected, ids = greedy_logits(vlm.model, inputs, STEPS)
        with withdraw(vlm.model, VisualTokenWithdrawal(k, "repack"), layout):
            found, found_ids = greedy_logits(vlm.model, inputs, STEPS)
        assert torch.equal(found_ids, ids)
        close(found, expected)
        with withdraw(vlm.model, VisualTokenWithdrawal(k), layout):
            kept, _ = greedy_logits(vlm.model, inputs, 0)
        # Rotary positions are relative: where no text stands before the image (PaliGemma), the
        # distances within the text are the same; nor has Aya Vision's last layer any positions.
        if layout.prefix and k < vlm.layers - 1:
            assert (found[0] - kept[0]).abs().max() > 1e-3


def sweep(vlm):
    """one run of the full model gives KL and answer at every K, as independent runs do"""
    prepared = prepare(vlm, PICTURE, PROMPT)
    inputs = vlm.inputs(PICTURE, PROMPT)
    visual, k_min = visual_of(prepared.layout), every_k(vlm)[0]
    for positions in ("keep", "repack"):
        found = vlm.explore(PICTURE, PROMPT, max_new_tokens=STEPS, positions=positions)
        full = list(stream(vlm, prepared, KeepAll(), STEPS))
        answer = found.answer_ids[-1]
        assert answer == tuple(step.token_id for step in full)
        # A random model may write the image token, which no pass in one piece can take as text.
        image_token = int(inputs["input_ids"][0, visual[0]])
        if image_token in answer:
            answer = answer[: answer.index(image_token) + 1]
        for k in range(vlm.layers):
            if k >= k_min:
                strategy = VisualTokenWithdrawal(k, positions)
                steps = list(stream(vlm, prepared, strategy, STEPS))
                assert found.answer_ids[k] == tuple(step.token_id for step in steps)
                logits = withdrawn_logits(vlm, prepared, strategy, answer)
            elif positions == "keep":  # where `withdraw` cannot go, the sweep can
                with attention(vlm.model, "eager"), masked(vlm.model, visual, k):
                    logits = greedy_logits(vlm.model, inputs, 0)[0]
            else:
                continue
            # Beyond the first position only where the direct loop can go.
            baseline = np.stack([step.logits for step in full[: len(logits)]])
            expected = kl_divergence(logits, baseline)
            assert np.allclose(found.kl_positions[k, : len(logits)], expected, rtol=1e-5, atol=1e-5)
    several = [PICTURE, OTHER_PICTURE]
    found = vlm.explore(several, PROMPT, max_new_tokens=STEPS)
    steps = stream(vlm, prepare(vlm, several, PROMPT), VisualTokenWithdrawal(3), STEPS)
    assert found.answer_ids[3] == tuple(step.token_id for step in steps)


_ALL = (greedy, beams, several_images, batch, repack, baseline, below_k, streaming, sweep)
LAWS = {law.__name__: law for law in _ALL}


def facts(family, vlm, laws):
    """One family's entry of docs/families.json.

    laws: names of the laws that were checked on `vlm` and hold.
    """
    inputs = vlm.inputs(PICTURE, PROMPT)
    layout = vlm.layout(inputs)
    positions = vlm.adapter.positions(vlm.model, inputs)
    return {
        "example": ADAPTERS[family].example,
        "image_token": FAMILIES[family].specials[0],
        "picture": ADAPTERS[family].picture,
        "k_min": "0" if ADAPTERS[family].k_min(vlm.model.config) == 0 else "deepstack layers",
        "position_axes": positions.shape[0] if positions.ndim == 3 else 1,
        "chat_template": ADAPTERS[family].has_chat_template,
        "processor_needs_torchvision": family in HAND_MADE,
        "tiny_model": {
            "class": type(vlm.model).__name__,
            "picture_size": list(PICTURE.size),
            "visual_tokens": len(layout.visual),
            "grids": [list(grid) for grid in layout.grids],
        },
        "laws": laws,
    }


def document_table(families):
    """The table in docs/models.md of docs/families.json."""
    lines = [
        "| family | example | a picture becomes | K from | processor needs torchvision | laws |",
        "|---|---|---|---|---|---|",
    ]
    for family, fact in sorted(families.items()):
        needs = "yes" if fact["processor_needs_torchvision"] else "no"
        held = f"{len(fact['laws'])} of {len(LAWS)}"
        lines.append(
            f"| `{family}` | {fact['example']} | {fact['picture']} | {fact['k_min']} | {needs} "
            f"| {held} |"
        )
    return "\n".join(lines)
