"""A tiny random model of every supported family, of the real class and with a real tokenizer.

Where transformers can build the family's processor without torchvision, it is saved with the
model, and `load_model` reads the folder as it reads one from the hub. The processors of the
families in `HAND_MADE` need torchvision merely to be built (they hold a video processor);
`TinyProcessor` stands in for them: the family's own image processor (the Pillow one), and as many
image tokens as that family's processor would write.
"""

from pathlib import Path
from typing import Any

import numpy as np
from tiny_families import FAMILIES, HAND_MADE

CORPUS = [
    "You look at pictures.", "USER: What is left of the red ball? ASSISTANT: a blue box.",
    "How many green stars are above the yellow ring?", "Describe the picture.",
]  # fmt: skip
# At the usual 0.02 nothing attends to anything in particular; grown, each layer moves the
# residual stream, and withdrawing the image changes the answer.
LAYER_GAIN, EMBEDDING_GAIN = 9, 20


def chat_template(image: str) -> str:
    """A prompt with a system sentence, the images, the question and the turn of the model."""
    return (
        "{{ bos_token }}You look at pictures. "
        "{% for message in messages %}{{ message.role | upper }}: "
        "{% for part in message.content %}"
        "{% if part.type == 'image' %}" + image + "\n{% else %}{{ part.text }}{% endif %}"
        "{% endfor %}{% endfor %}{% if add_generation_prompt %} ASSISTANT:{% endif %}"
    )


def build_tokenizer(specials: tuple[str, ...] = ("<image>",), **names: str) -> Any:
    """A byte-level BPE tokenizer, so that any text has tokens.

    Args:
        specials: special tokens after <pad>, <s> and </s>.
        names: attributes that a family's tokenizer has, such as boi_token.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<pad>", "<s>", "</s>", *specials],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS * 4, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        additional_special_tokens=list(specials),
        extra_special_tokens=names,
    )


GEMMA_NAMES = {
    "image_token": "<image_soft_token>",
    "boi_token": "<start_of_image>",
    "eoi_token": "<end_of_image>",
}


def save_tiny_model(folder: Path, family: str = "llava") -> Path:
    """Save a family's tiny random model, with its processor or, of that, what can be built."""
    import torch
    from transformers import GenerationConfig

    tiny = FAMILIES[family]
    torch.manual_seed(0)
    tokenizer = build_tokenizer(tiny.specials, **(GEMMA_NAMES if family == "gemma3" else {}))
    model, pictures = tiny.build(tokenizer.get_vocab())
    _grow(model)
    model.generation_config = GenerationConfig(bos_token_id=1, eos_token_id=2, pad_token_id=0)
    model.save_pretrained(folder)
    template = chat_template(tiny.image)
    if tiny.processor is None:
        tokenizer.chat_template = template
        tokenizer.save_pretrained(folder)
        pictures.save_pretrained(folder)
    else:
        # PaliGemma's checkpoints have no chat template.
        options = {} if family == "paligemma" else {"chat_template": template}
        tiny.processor(pictures, tokenizer, **options).save_pretrained(folder)
    return folder


def _grow(model: Any) -> None:
    """Scale the weights, so that every layer and every picture matters."""
    import torch

    tied = model.get_output_embeddings().weight is model.get_input_embeddings().weight
    with torch.no_grad():
        for weight in model.get_decoder().layers.parameters():
            if weight.ndim == 2:
                weight.mul_(LAYER_GAIN)
        model.get_input_embeddings().weight.mul_(EMBEDDING_GAIN)
        if not tied:
            model.get_output_embeddings().weight.mul_(EMBEDDING_GAIN)
        for name, weight in model.named_parameters():
            if any(part in name for part in ("projector", "connector", "merger")):
                # Gemma 3's starts at nothing, and every picture would be the same.
                if weight.ndim == 2 and not weight.any():
                    weight.normal_(std=0.02)
                weight.mul_(EMBEDDING_GAIN)


class TinyProcessor:
    """A stand-in for a processor that only torchvision lets be built: the same calls, the same
    outputs, images only."""

    def __init__(self, folder: Path, family: str) -> None:
        from transformers import AutoImageProcessor, PreTrainedTokenizerFast

        self.tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
        self.image_processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
        self.chat_template = self.tokenizer.chat_template
        self._tiny = FAMILIES[family]
        self.image_token = self._tiny.specials[0]

    def apply_chat_template(self, messages: Any, **options: Any) -> str:
        """The rendered prompt, one image token per image."""
        return self.tokenizer.apply_chat_template(messages, **options)

    def __call__(
        self, images: Any, text: list[str], return_tensors: str, **options: Any
    ) -> dict[str, Any]:
        """Processed inputs: a batch of prompts, their images one after another."""
        import torch
        from transformers import BatchFeature

        nested = images if isinstance(images[0], list) else [images]
        more = (
            {"return_row_col_info": True} if "Smol" in type(self.image_processor).__name__ else {}
        )
        pixels = self.image_processor(images=nested, return_tensors="pt", **more)
        index = 0
        full = []
        for prompt in text:
            pieces = prompt.split(self.image_token)
            for place in range(len(pieces) - 1):
                pieces[place] += self._tiny.expand(pixels, index)
                index += 1
            full.append("".join(pieces))
        batch = self.tokenizer(full, return_tensors=return_tensors, **options)
        visual = torch.as_tensor(self.tokenizer.convert_tokens_to_ids(self.image_token))
        unused = ("rows", "cols", "num_patches")
        outputs = {**batch, **{n: value for n, value in pixels.items() if n not in unused}}
        outputs.pop("token_type_ids", None)
        if "image_grid_thw" in outputs:
            outputs["mm_token_type_ids"] = (batch["input_ids"] == visual).int()
        return BatchFeature(outputs)


def load_tiny_model(folder: Path, family: str) -> Any:
    """The family's model as a user loads it; where only its processor is missing, by hand."""
    from transformers import AutoModelForImageTextToText

    from vtw_core import load_model
    from vtw_core.families.adapters import adapter_for
    from vtw_core.model import VisionLanguageModel

    if family not in HAND_MADE:
        return load_model(str(folder), device="cpu")
    model = AutoModelForImageTextToText.from_pretrained(folder).eval().requires_grad_(False)
    return VisionLanguageModel(
        str(folder), model, TinyProcessor(folder, family), adapter_for(model.config)
    )


def random_picture(width: int, height: int, seed: int = 3) -> Any:
    """Random coloured squares."""
    from PIL import Image

    pixels = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize((width, height), Image.Resampling.NEAREST)
