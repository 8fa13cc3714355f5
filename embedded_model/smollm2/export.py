"""Pack the trained model for the repository: ``python -m embedded_model.smollm2.export``.

Base matrices keep the 4-bit codes, scales and minima of the GGUF file, bit for bit (only their rows
are put into transformers' order); the embedding keeps its 8-bit values. What was trained is stored
in 8 bits with a scale for each 32 values. `vtw_core.loading.packed` reads it.
"""

from __future__ import annotations

import argparse
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save
from transformers import (
    GenerationConfig,
    LlavaConfig,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)
from transformers.models.llava.image_processing_pil_llava import LlavaImageProcessorPil

from embedded_model.smollm2.base import (
    IMAGE_TOKEN,
    build_tokenizer,
    decoder_config,
    open_gguf,
    parameter_name,
    row_order,
    token_id,
)
from embedded_model.smollm2.conversation import SYSTEM_PROMPT, TURN_END
from embedded_model.smollm2.render import PATCH, PIXEL_MEAN, PIXEL_STD, VISUAL_TOKENS
from embedded_model.smollm2.replay import OWN_SYSTEM_PROMPT
from embedded_model.smollm2.scenes import IMAGE_SIDE
from embedded_model.smollm2.tower import tower_config
from vtw_core.files.replacing import replace_file, replacing_files
from vtw_core.loading.packed import BLOCK, FILES

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "smollm2_model"
_DECODER = "model.language_model."
_Q4_1, _Q8_0 = "Q4_1", "Q8_0"

CHAT_TEMPLATE = (
    "{%- set seen = namespace(image=false) -%}"
    "{%- for message in messages -%}{%- if message['content'] is not string -%}"
    "{%- for part in message['content'] -%}"
    "{%- if part['type'] == 'image' -%}{%- set seen.image = true -%}{%- endif -%}"
    "{%- endfor -%}{%- endif -%}{%- endfor -%}"
    "{%- if messages[0]['role'] != 'system' -%}"
    "{{ '<|im_start|>system\n' }}"
    f"{{{{ '{SYSTEM_PROMPT}' if seen.image else '{OWN_SYSTEM_PROMPT}' }}}}"
    "{{ '<|im_end|>\n' }}{%- endif -%}"
    "{%- for message in messages -%}"
    "{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{%- if message['content'] is string -%}{{ message['content'] }}"
    "{%- else -%}{%- for part in message['content'] -%}"
    f"{{%- if part['type'] == 'image' -%}}{{{{ '{IMAGE_TOKEN}\n' }}}}"
    "{%- else -%}{{ part['text'] }}{%- endif -%}"
    "{%- endfor -%}{%- endif -%}"
    "{{ '<|im_end|>\n' }}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}{%- endif -%}"
)
"""ChatML. Without a picture the base's own system prompt, so that it answers as it did."""


def build_config(image_token: int) -> LlavaConfig:
    return LlavaConfig(
        vision_config=tower_config(),
        text_config=decoder_config(),
        image_token_index=image_token,
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",
        image_seq_length=VISUAL_TOKENS,
        tie_word_embeddings=True,
    )


def build_processor(tokenizer: Any) -> LlavaProcessor:
    """Pictures of any shape are stretched to a square of `IMAGE_SIDE`."""
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<|im_start|>",
        eos_token=TURN_END,
        pad_token=TURN_END,
        unk_token="<|endoftext|>",
        extra_special_tokens={"image_token": IMAGE_TOKEN},
        padding_side="left",
        chat_template=CHAT_TEMPLATE,
        model_max_length=8192,
    )
    images = LlavaImageProcessorPil(
        do_pad=False,
        size={"height": IMAGE_SIDE, "width": IMAGE_SIDE},
        default_to_square=True,
        do_center_crop=False,
        image_mean=[PIXEL_MEAN] * 3,
        image_std=[PIXEL_STD] * 3,
    )
    return LlavaProcessor(
        image_processor=images,
        tokenizer=fast,
        patch_size=PATCH,
        num_additional_image_tokens=1,
        vision_feature_select_strategy="default",
        image_token=IMAGE_TOKEN,
        chat_template=CHAT_TEMPLATE,
    )


def _bytes_of(scales: np.ndarray) -> torch.Tensor:
    """float16 [...] as bytes [2, ...], see `vtw_core.loading.packed`."""
    halves = np.ascontiguousarray(scales.astype(np.float16))[..., None].view(np.uint8)
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(halves, -1, 0)))


def packed_base(gguf: Path) -> dict[str, torch.Tensor]:
    """Everything of the base, in the forms of `vtw_core.loading.packed`."""
    packed = {}
    for tensor in open_gguf(gguf).tensors:
        name = parameter_name(tensor.name)
        if name is None:
            continue
        name = _DECODER + name.removeprefix("model.")
        columns, *rest = (int(size) for size in tensor.shape)
        kind, data = tensor.tensor_type.name, np.asarray(tensor.data)
        if not rest:
            packed[name] = torch.from_numpy(data.astype(np.float32).copy())
            continue
        order = row_order(tensor.name, rest[0])
        blocks = data.view(np.uint8).reshape(rest[0], columns // BLOCK, -1)[order]
        if kind == _Q4_1:
            scales = np.moveaxis(np.ascontiguousarray(blocks[..., :4]).view(np.float16), -1, 0)
            packed[f"{name}.codes"] = torch.from_numpy(
                np.ascontiguousarray(blocks[..., 4:]).reshape(rest[0], columns // 2)
            )
        elif kind == _Q8_0:
            scales = np.ascontiguousarray(blocks[..., :2]).view(np.float16)[..., 0]
            packed[f"{name}.values"] = torch.from_numpy(
                np.ascontiguousarray(blocks[..., 2:]).view(np.int8).reshape(rest[0], columns)
            )
        else:
            raise ValueError(f"{tensor.name} is {kind}, which is not expected here")
        packed[f"{name}.scales"] = _bytes_of(scales)
    return packed


def in_eight_bits(name: str, weight: torch.Tensor) -> dict[str, torch.Tensor]:
    """``NAME.values`` and ``NAME.scales``; vectors stay float16, as they are."""
    if weight.ndim < 2:
        return {name: weight.half()}
    blocks = weight.float().reshape(-1, BLOCK)
    scales = (blocks.abs().amax(1, keepdim=True) / 127).half()
    values = (blocks / scales.float().clamp(min=1e-12)).round().clamp(-127, 127).to(torch.int8)
    return {
        f"{name}.values": values.reshape(weight.shape),
        f"{name}.scales": _bytes_of(scales[:, 0].numpy()),
    }


def packed_training(run: Path) -> dict[str, torch.Tensor]:
    """Tower, projector and what was added to the base."""
    packed: dict[str, torch.Tensor] = {}
    for key, weight in load_file(run / "tower.safetensors").items():
        packed |= in_eight_bits(f"model.vision_tower.{key}", weight)
    for key, weight in load_file(run / "projector.safetensors").items():
        packed[f"model.multi_modal_projector.{key}"] = weight.half()
    for key, weight in load_file(run / "additions.safetensors").items():
        module, part = key.rsplit(".", 1)
        weight = weight.T.contiguous() if part == "up" else weight
        packed |= in_eight_bits(f"{_DECODER}{module}.weight.{part}", weight)
    return packed


def export(run: Path, gguf: Path, folder: Path) -> None:
    """Write the packed model of a finished run; `folder` has all of it or is as it was."""
    tokenizer = build_tokenizer(gguf)
    config = build_config(token_id(tokenizer, IMAGE_TOKEN))
    config.architectures = ["LlavaForConditionalGeneration"]
    generation = GenerationConfig(bos_token_id=1, eos_token_id=2, pad_token_id=2, max_new_tokens=64)
    with replacing_files(folder) as made:
        config.save_pretrained(made)
        generation.save_pretrained(made)
        build_processor(tokenizer).save_pretrained(made)
        _compact(made / "tokenizer.json")
        for file, tensors in zip(FILES, _parts(run, gguf), strict=True):
            packed = save(tensors)
            if file.endswith(".gz"):
                # Without a date in it, the same weights give the same file.
                packed = gzip.compress(packed, 9, mtime=0)
            replace_file(made / file, packed)


def _compact(file: Path) -> None:
    """The same JSON without the spaces that make it readable: it is half as large."""
    contents = json.loads(file.read_text(encoding="utf-8"))
    replace_file(file, json.dumps(contents, ensure_ascii=False, separators=(",", ":")))


def _parts(run: Path, gguf: Path) -> tuple[dict[str, torch.Tensor], ...]:
    """What goes into each of `FILES`."""
    base = packed_base(gguf)
    embedding = {key: base.pop(key) for key in list(base) if "embed_tokens" in key}
    scales = {key: base.pop(key) for key in list(base) if key.endswith(".scales")}
    keys = sorted(base)
    half = len(keys) // 2
    return (
        {key: base[key] for key in keys[:half]},
        {key: base[key] for key in keys[half:]},
        scales,
        embedding,
        packed_training(run),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, default=Path("runs/smollm2"))
    parser.add_argument("--gguf", type=Path, required=True)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    export(arguments.run, arguments.gguf, arguments.folder)


if __name__ == "__main__":
    main()
