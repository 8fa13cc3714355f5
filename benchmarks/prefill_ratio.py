"""How much prefill time withdrawal saves: measured beside theory, side by side in one process.

A random LLaVA with 576 visual tokens and 16 layers (times do not depend on what weights hold) and
the embedded model. Baseline and withdrawn prefills alternate, so that both see the same machine;
the ratio of the medians is printed. One thread.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch
from PIL import Image
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
)
from transformers.models.llava.image_processing_pil_llava import LlavaImageProcessorPil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from vtw_core import VisualTokenWithdrawal, load_model
from vtw_core.analysis.cost import flops_at_every_k
from vtw_core.generation import prepare, stream

ROUNDS = 15
PROMPT = "what color is the circle ?"


def random_llava(folder: Path) -> str:
    """576 visual tokens, width 512, 16 layers, the embedded model's tokenizer."""
    tokenizer = load_model("embedded").processor.tokenizer
    torch.manual_seed(0)
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(
            hidden_size=128, intermediate_size=256, num_hidden_layers=2, num_attention_heads=4,
            image_size=96, patch_size=4,
        ),
        text_config=LlamaConfig(
            vocab_size=len(tokenizer), hidden_size=512, intermediate_size=1376,
            num_hidden_layers=16, num_attention_heads=8, bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
        ),
        image_token_index=tokenizer.vocab["<image>"],
        vision_feature_layer=-1,
        image_seq_length=576,
    )  # fmt: skip
    LlavaForConditionalGeneration(config).save_pretrained(folder)
    side = {"height": 96, "width": 96}
    LlavaProcessor(
        image_processor=LlavaImageProcessorPil(size=side, crop_size=side),
        tokenizer=tokenizer,
        patch_size=4,
        num_additional_image_tokens=1,
        vision_feature_select_strategy="default",
        chat_template=tokenizer.chat_template,
    ).save_pretrained(folder)
    return str(folder)


def report(name: str) -> None:
    vlm = load_model(name, device="cpu")
    torch.set_num_threads(1)
    prepared = prepare(vlm, Image.new("RGB", (96, 96), "white"), PROMPT)
    layers, visual = vlm.layers, len(prepared.layout.visual)
    flops = flops_at_every_k(vlm.dims, prepared.layout.total - visual, visual)
    ks = (layers // 4, layers // 2, layers)

    def prefill(k: int) -> float:
        steps = stream(vlm, prepared, VisualTokenWithdrawal(k), 1)
        start = time.perf_counter()
        next(steps)
        spent = time.perf_counter() - start
        steps.close()
        return spent

    times: dict[int, list[float]] = {k: [] for k in ks}
    for _ in range(ROUNDS):
        for k in ks:
            times[k].append(prefill(k))
    base = statistics.median(times[layers])
    print(f"{vlm.dims.hidden} wide, {layers} layers, {visual} visual tokens:")
    for k in ks[:-1]:
        measured = statistics.median(times[k]) / base
        print(
            f"  K = {k}: prefill takes {measured:.0%} of the baseline's time, "
            f"theory {flops[k] / flops[-1]:.0%} of its FLOPs"
        )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        report(random_llava(Path(folder)))
    report("embedded")
