"""Fixtures: a tiny random model of the real class, saved and loaded back as a user would."""

import json
import os
import random
import shutil
from pathlib import Path

# Must be set before torch starts its thread pool and before transformers decides to look up.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import pytest
from PIL import Image

PROMPT = "What is left of the red ball?"

CHAT_TEMPLATE = (
    "{{ bos_token }}You look at pictures. "
    "{% for message in messages %}{{ message.role | upper }}: "
    "{% for part in message.content %}"
    "{% if part.type == 'image' %}<image>\n{% else %}{{ part.text }}{% endif %}"
    "{% endfor %}{% endfor %}{% if add_generation_prompt %} ASSISTANT:{% endif %}"
)
CORPUS = [
    "You look at pictures.", "USER: What is left of the red ball? ASSISTANT: a blue box.",
    "How many green stars are above the yellow ring?", "Describe the picture.",
]  # fmt: skip


def build_tokenizer():
    """A byte-level BPE tokenizer, so that any text has tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<pad>", "<s>", "</s>", "<image>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS * 4, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        additional_special_tokens=["<image>"],
    )


def save_tiny_model(folder: Path, family: str = "llava") -> Path:
    """Save a random LLaVA or LLaVA-NeXT: 8 x 8 patches with a class token, 4 decoder layers."""
    import torch
    from transformers import (
        CLIPImageProcessorPil,
        CLIPVisionConfig,
        GenerationConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaNextConfig,
        LlavaNextForConditionalGeneration,
        LlavaNextImageProcessorPil,
        LlavaNextProcessor,
        LlavaProcessor,
    )

    tiled = family == "llava_next"
    pinpoints = [[32, 64], [64, 32], [64, 64]]

    torch.manual_seed(0)
    tokenizer = build_tokenizer()
    config = (LlavaNextConfig if tiled else LlavaConfig)(
        vision_config=CLIPVisionConfig(
            hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
            image_size=32, patch_size=4, projection_dim=32,
        ),
        text_config=LlamaConfig(
            hidden_size=32, intermediate_size=64, num_hidden_layers=4,
            num_attention_heads=4, num_key_value_heads=2, vocab_size=len(tokenizer),
            max_position_embeddings=512, bos_token_id=1, eos_token_id=2, pad_token_id=0,
        ),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-2,
        vision_feature_select_strategy="default",
        image_seq_length=64,
        **({"image_grid_pinpoints": pinpoints} if tiled else {}),
    )  # fmt: skip
    model = (LlavaNextForConditionalGeneration if tiled else LlavaForConditionalGeneration)(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            # At the usual 0.02 nothing attends to anything in particular; grown, each layer
            # moves the residual stream, and withdrawing the image changes the answer.
            if "language_model.layers" in name and weight.ndim == 2:
                weight.mul_(9)
            elif "embed_tokens" in name or "projector" in name or "lm_head" in name:
                weight.mul_(20)
    model.generation_config = GenerationConfig(bos_token_id=1, eos_token_id=2, pad_token_id=0)
    square = {"height": 32, "width": 32}
    if tiled:
        pictures = LlavaNextImageProcessorPil(
            size={"shortest_edge": 32}, crop_size=square, image_grid_pinpoints=pinpoints
        )
    else:
        pictures = CLIPImageProcessorPil(size=square, crop_size=square)
    processor = (LlavaNextProcessor if tiled else LlavaProcessor)(
        pictures,
        tokenizer,
        patch_size=4,
        vision_feature_select_strategy="default",
        chat_template=CHAT_TEMPLATE,
        image_token="<image>",
        num_additional_image_tokens=1,
    )
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    """Folder of a saved tiny model."""
    return save_tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def vlm(tiny_folder):
    """The tiny model, loaded as a user loads one."""
    import torch

    from vtw_core import load_model

    torch.set_num_threads(1)
    return load_model(str(tiny_folder), device="cpu")


@pytest.fixture(scope="session")
def tiled_vlm(tmp_path_factory):
    """A tiny model of a family that cuts a picture into tiles."""
    from vtw_core import load_model

    folder = save_tiny_model(tmp_path_factory.mktemp("tiled"), "llava_next")
    return load_model(str(folder), device="cpu")


@pytest.fixture(scope="session")
def image():
    """A picture of random coloured squares."""
    pixels = np.random.default_rng(3).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize((48, 40), Image.Resampling.NEAREST)


@pytest.fixture(scope="session")
def image_path(image, tmp_path_factory):
    """The picture as a file."""
    path = tmp_path_factory.mktemp("images") / "squares.png"
    image.save(path)
    return path


@pytest.fixture
def inputs(vlm, image):
    """Processed inputs of the picture and PROMPT; fresh, since some tests change them."""
    return vlm.inputs(image, PROMPT)


@pytest.fixture
def layout(vlm, inputs):
    """Their layout."""
    return vlm.layout(inputs)


@pytest.fixture(scope="session")
def run(vlm, image):
    """One whole exploration."""
    return vlm.explore(image, PROMPT, max_new_tokens=8)


@pytest.fixture(autouse=True)
def fixed_seeds():
    """Every test starts from the same random state."""
    random.seed(0)
    np.random.seed(0)


@pytest.fixture(scope="session")
def examples_folder(run, image, tmp_path_factory):
    """One recorded example of the tiny model, as the page bundles them."""
    folder = tmp_path_factory.mktemp("examples")
    image.save(folder / "squares.png")
    run.save(folder / "squares.vtw")
    entry = {"name": "squares", "title": "Squares", "prompt": run.prompt}
    (folder / "examples.json").write_text(json.dumps([entry]))
    return folder


@pytest.fixture(scope="session")
def service(tiny_folder, examples_folder):
    """The page's service on the tiny model."""
    from app.service import Service

    service = Service(str(tiny_folder), examples_folder)
    service.start()
    assert service.wait(120)
    return service


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium; without one the test is skipped, except where VTW_REQUIRE_BROWSER asks."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        reason = "no chromium is installed (Debian: apt install chromium): no browser test can run"
        if os.environ.get("VTW_REQUIRE_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser
        browser.close()
