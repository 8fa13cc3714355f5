"""What withdrawal must equal: masking, written without the engine's code, and the direct loop."""

import contextlib

import numpy as np
import torch

from vtw_core import withdraw


def masked(model, visual, k):
    """Layers >= K run in full, but no row that is not visual sees a visual key."""
    layers = len(model.get_decoder().layers)
    return masked_by_layer(model, [visual[:0] if layer < k else visual for layer in range(layers)])


def masked_as(model, trace):
    """What a trace says that each layer saw, and its cache held, by masking alone."""
    every = np.arange(trace.layout.padding, trace.layout.total)
    gone, uncached = (
        [torch.as_tensor(np.setdiff1d(every, stay)) for stay in kept]
        for kept in (trace.kept, trace.cached)
    )
    return masked_by_layer(model, gone, uncached)


@contextlib.contextmanager
def masked_by_layer(model, gone, uncached=None):
    """Every layer runs in full, but no row that stays sees the positions in `gone` [layers].

    `uncached`: the same of the rows after the prompt, one at a time. Only valid under eager
    attention, where every layer gets an additive 4-D mask.
    """
    handles = []

    def blind(layer):
        def hook(module, args, kwargs):
            mask = kwargs["attention_mask"].clone()  # [batch, 1, rows, columns]
            rows, columns = mask.shape[-2:]
            unseen = (gone if rows > 1 or uncached is None else uncached)[layer]
            positions = torch.arange(columns - rows, columns)  # of the rows
            staying = ~torch.isin(positions, unseen)
            block = staying[:, None] & torch.isin(torch.arange(columns), unseen)[None, :]
            mask[..., block] = torch.finfo(mask.dtype).min
            return args, {**kwargs, "attention_mask": mask}

        return hook

    for index, layer in enumerate(model.get_decoder().layers):
        handles.append(layer.register_forward_pre_hook(blind(index), with_kwargs=True))
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
    after = torch.tensor([list(answer[:-1])], dtype=torch.long)
    ids = torch.cat([prepared.input_ids, after], dim=1)
    positions = torch.cat([prepared.positions, prepared.positions_after(0, after.shape[1])], dim=-1)
    # Rows of the answer are text; PaliGemma's 1 makes them causal, as generation is.
    kind = torch.full_like(after, int(vlm.model_type == "paligemma"))
    extras = {
        name: torch.cat([value, kind], dim=1) if name.endswith("_type_ids")
        else value for name, value in prepared.extras.items()
    }  # fmt: skip
    with withdraw(vlm.model, strategy, prepared.layout):
        output = vlm.model(
            input_ids=ids, attention_mask=torch.ones_like(ids), position_ids=positions,
            mm_encoder_outputs={"image": prepared.vision}, use_cache=False,
            logits_to_keep=len(answer), **extras,
        )  # fmt: skip
    return output.logits[0].float()


def renumbered(model, visual, k, first):
    """Layers >= K give every row that is not visual a rotary position without the visual ones."""
    layers = len(model.get_decoder().layers)
    gone = [visual[:0] if layer < k else visual for layer in range(layers)]
    return renumbered_by_layer(model, gone, first)


@contextlib.contextmanager
def renumbered_by_layer(model, gone, first):
    """Rows that stay in a layer get a rotary position without those in `gone` [layers].

    Together with masking this is what repacking must equal, with every row still in its place:
    a row's position is `first` plus the number of rows before it that stay. A layer where none is
    gone is as it was. Only under eager attention.
    """
    decoder = model.get_decoder()
    config = decoder.config
    axes = 3 if "mrope_section" in (config.rope_parameters or {}) else None
    handles = []

    def renumber(index):
        def hook(module, args, kwargs):
            rows, columns = kwargs["attention_mask"].shape[-2:]
            places = torch.arange(columns)
            numbers = first + places - torch.isin(places, gone[index]).cumsum(0)
            ids = numbers[columns - rows :][None]
            ids = ids.expand(axes, 1, -1) if axes else ids
            # Gemma 3 has a table for each kind of layer.
            kind = [config.layer_types[index]] if "full_attention" in config.rope_parameters else []
            tables = decoder.rotary_emb(kwargs["position_embeddings"][0], ids, *kind)
            return args, {**kwargs, "position_embeddings": tables}

        return hook

    for index, layer in enumerate(decoder.layers):
        if len(gone[index]):
            handles.append(layer.register_forward_pre_hook(renumber(index), with_kwargs=True))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
