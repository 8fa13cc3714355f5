"""What withdrawal must equal: masking, written without the engine's code, and the direct loop."""

import contextlib

import torch

from vtw_core import withdraw


@contextlib.contextmanager
def masked(model, visual, k):
    """Layers >= K run in full, but no row that is not visual sees a visual key.

    Only valid under eager attention, where every layer gets an additive 4-D mask.
    """
    handles = []

    def blind(module, args, kwargs):
        mask = kwargs["attention_mask"].clone()  # [batch, 1, rows, columns]
        rows, columns = mask.shape[-2:]
        positions = torch.arange(columns - rows, columns)  # of the rows
        text_rows = ~torch.isin(positions, visual)
        block = text_rows[:, None] & torch.isin(torch.arange(columns), visual)[None, :]
        mask[..., block] = torch.finfo(mask.dtype).min
        return args, {**kwargs, "attention_mask": mask}

    for layer in list(model.get_decoder().layers)[k:]:
        handles.append(layer.register_forward_pre_hook(blind, with_kwargs=True))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextlib.contextmanager
def attention(model, kind):
    """Run with another attention implementation, then go back."""
    before = model.config._attn_implementation
    model.set_attn_implementation(kind)
    try:
        yield
    finally:
        model.set_attn_implementation(before)


def greedy_logits(model, inputs, steps=8):
    """Last-row logits of the prefill and of 8 greedy steps, by generate(): [9, vocabulary]."""
    out = model.generate(
        **inputs, do_sample=False, max_new_tokens=steps + 1, min_new_tokens=steps + 1,
        return_dict_in_generate=True, output_logits=True,
    )  # fmt: skip
    return torch.cat(out.logits), out.sequences


def withdrawn_logits(vlm, prepared, strategy, answer):
    """[T, vocabulary] logits at each position of a given answer, by one pass under `withdraw`."""
    behind = torch.tensor([list(answer[:-1])], dtype=torch.long)
    ids = torch.cat([prepared.input_ids, behind], dim=1)
    positions = torch.cat(
        [prepared.positions, prepared.positions_behind(0, behind.shape[1])], dim=-1
    )
    # Rows of the answer are text to every family that tells text from image rows.
    extras = {
        name: torch.cat([value, torch.zeros_like(behind)], dim=1) if name.endswith("_type_ids")
        else value for name, value in prepared.extras.items()
    }  # fmt: skip
    with withdraw(vlm.model, strategy, prepared.layout):
        output = vlm.model(
            input_ids=ids, attention_mask=torch.ones_like(ids), position_ids=positions,
            mm_encoder_outputs={"image": prepared.vision}, use_cache=False,
            logits_to_keep=len(answer), **extras,
        )  # fmt: skip
    return output.logits[0].float()
