"""The training recipe, on a model small enough for a test."""

import random

import pytest
import torch

from embedded_model.architecture import VISUAL_TOKENS, build_model, build_processor
from embedded_model.card import write_measured
from embedded_model.optimizer import Trainer
from embedded_model.packing import IGNORED, Packer
from embedded_model.scenes import draw, random_scene
from embedded_model.train import exported_model
from embedded_model.vision import patch_labels, pixels, scene_labels
from vtw_core.loading.loading import EMBEDDED_FOLDER, load_model


@pytest.fixture(scope="module")
def tokenizer():
    """The shipped tokenizer: learning another takes seconds and would not be the one in use."""
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast.from_pretrained(EMBEDDED_FOLDER)


PAIRS = [("what color is the circle ?", "red"), ("where is the star?", "top left"),
         ("how many objects are there", "3")]  # fmt: skip


def test_a_packed_question_is_computed_as_if_it_were_asked_alone(tokenizer):
    model = build_model(tokenizer, seed=0).eval()
    model.set_attn_implementation("eager")
    packer = Packer(tokenizer, 96)
    prefix = packer.told_prefix("a large red circle in the center")

    def hidden(pairs):
        batch = packer.batch([packer.dialogue(prefix, pairs)])
        with torch.no_grad():
            out = model.model.language_model(
                input_ids=batch.ids, attention_mask=batch.mask.float(),
                position_ids=batch.positions, use_cache=False,
            ).last_hidden_state[0]  # fmt: skip
        return out[batch.labels[0] != IGNORED]

    together = hidden(PAIRS)
    alone = torch.cat([hidden([pair]) for pair in PAIRS])
    assert torch.allclose(together, alone, atol=1e-5)


def test_packed_text_is_what_the_processor_makes_of_a_question(tokenizer):
    processor = build_processor(tokenizer)
    rng = random.Random(0)
    picture = draw(random_scene(rng), rng, 96)
    messages = [
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": PAIRS[0][0]}]}
    ]
    text = processor.apply_chat_template(messages, add_generation_prompt=True)
    wanted = processor(images=[picture], text=[text], add_special_tokens=False).input_ids[0]
    packer = Packer(tokenizer, 256)
    ids, labels, _, _ = packer.dialogue(packer.image_prefix(VISUAL_TOKENS), PAIRS[:1])
    assert ids[: len(wanted)] == list(wanted)
    first = labels.index(next(label for label in labels if label != IGNORED))
    assert first == len(wanted) - 1
    assert tokenizer.decode(labels[first:]) == " red</s>"


def test_pixels_are_those_of_the_processor(tokenizer):
    rng = random.Random(1)
    scene = random_scene(rng)
    state = rng.getstate()
    mine = pixels([scene], rng)[0]
    rng.setstate(state)
    theirs = build_processor(tokenizer).image_processor(draw(scene, rng, 96), return_tensors="pt")
    assert torch.allclose(mine, theirs["pixel_values"][0], atol=1e-5)


def test_labels_of_patches_and_scene_agree():
    rng = random.Random(2)
    scenes = [random_scene(rng) for _ in range(8)]
    patches = patch_labels(scenes)
    counts, present = scene_labels(scenes)
    assert counts.tolist() == [len(scene.things) for scene in scenes]
    for row in range(8):
        colors = {int(c) - 1 for c in patches["color"][row] if c > 0}
        assert all(present[row, color] == 1 for color in colors)
        assert ((patches["color"][row] > 0) == (patches["shape"][row] > 0)).all()


def test_an_exported_model_can_be_trained_further():
    model = exported_model(EMBEDDED_FOLDER, layers=0)
    shipped = load_model("embedded", device="cpu").model.state_dict()
    assert all(torch.equal(value, shipped[name]) for name, value in model.state_dict().items())
    assert model.training
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_a_trainer_goes_on_where_it_was_stopped(tmp_path):
    def fresh(minutes):
        torch.manual_seed(0)
        layer = torch.nn.Linear(3, 3)
        return layer, Trainer([layer], tmp_path, "t", minutes=minutes, matrix_rate=0.1,
                              other_rate=0.1)  # fmt: skip

    layer, trainer = fresh(0.001)
    trainer.run(lambda progress: (layer(torch.ones(3)).square().sum(), {}), log_every=1)
    again, resumed = fresh(0.001)
    assert resumed.steps == trainer.steps > 0
    assert resumed.progress == 1.0
    assert torch.equal(again.weight, layer.weight)
    assert (tmp_path / "t.jsonl").read_text().count("\n") == trainer.steps


def test_a_loss_that_is_not_finite_stops_the_training(tmp_path):
    layer = torch.nn.Linear(2, 2)
    trainer = Trainer([layer], tmp_path, "t", minutes=1, matrix_rate=0.1, other_rate=0.1)
    with pytest.raises(RuntimeError, match="not finite"):
        trainer.run(lambda progress: (layer.weight.sum() * float("nan"), {}))


def test_the_measured_part_of_the_card_is_replaced_and_nothing_else(tmp_path):
    card = tmp_path / "README.md"
    card.write_text("a\n<!-- measured -->\nold\n<!-- end of measured -->\nb\n")
    write_measured(card, "new")
    assert card.read_text() == "a\n<!-- measured -->\nnew\n<!-- end of measured -->\nb\n"
    card.write_text("no marks")
    with pytest.raises(ValueError, match="lines"):
        write_measured(card, "new")
