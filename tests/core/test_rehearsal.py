"""A processor that does not fit its model is refused while loading, and the cure is named."""

import json
import shutil

import pytest
from tiny_models import FAMILIES, HAND_MADE, TinyProcessor, load_tiny_model

from vtw_core import ModelError, load_model
from vtw_core.__main__ import main
from vtw_core.families.adapters import adapter_for
from vtw_core.loading.rehearsal import check_processor
from vtw_core.loading.weights import skeleton
from vtw_core.machine.progress import Report


@pytest.fixture
def folder(tiny_folders, tmp_path, family):
    """A copy of a family's folder, to be damaged."""
    return shutil.copytree(tiny_folders(family), tmp_path / family)


def change(folder, file="processor_config.json", **settings):
    """Write settings into a JSON file; None takes one out."""
    path = folder / file
    config = json.loads(path.read_text()) | settings
    path.write_text(json.dumps({name: v for name, v in config.items() if v is not None}))


def sentence(folder):
    with pytest.raises(ModelError) as caught:
        load_model(str(folder), device="cpu")
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("family", "setting", "value", "right"),
    [
        ("llava", "patch_size", None, "4"),
        ("llava_next", "patch_size", None, "4"),
        ("llava", "patch_size", 8, "4"),
        ("llava", "vision_feature_select_strategy", "full", '"default"'),
        ("llava_next", "vision_feature_select_strategy", "full", '"default"'),
        ("llava", "vision_feature_select_strategy", None, '"default"'),
        # As checkpoints of transformers before 4.48 have it.
        ("llava", "num_additional_image_tokens", None, "1"),
        ("idefics3", "image_seq_len", 169, "4"),
        ("gemma3", "image_seq_length", 256, "4"),
        ("aya_vision", "img_size", 32, "16"),
    ],
)
def test_a_setting_that_does_not_fit_is_named_with_the_one_that_does(folder, setting, value, right):
    change(folder, **{setting: value})
    said = sentence(folder)
    assert said.startswith(f"The processor of {folder} does not fit its model: it has {setting} ")
    assert said.endswith(f'write "{setting}": {right} into its processor_config.json.')


@pytest.mark.parametrize(
    ("family", "setting", "value"),
    [("llava", "vision_feature_select_strategy", "full"), ("gemma3", "image_seq_length", 256)],
)
def test_the_setting_that_is_named_is_the_cure(folder, setting, value):
    change(folder, **{setting: value})
    cure = json.loads("{" + sentence(folder).split(" write ")[1].split(" into ")[0] + "}")
    change(folder, **cure)
    assert load_model(str(folder), device="cpu").processor is not None


@pytest.mark.parametrize("family", ["llava"])
def test_a_model_config_with_another_strategy_than_its_processor_is_reported_in_one_sentence(
    folder,
):
    change(folder, "config.json", vision_feature_select_strategy="full")
    assert 'write "vision_feature_select_strategy": "full" into' in sentence(folder)


@pytest.mark.parametrize("family", ["llava", "paligemma"])
def test_pictures_of_another_size_than_the_model_sees_are_refused(folder):
    size = {"height": 8, "width": 8}
    config = json.loads((folder / "processor_config.json").read_text())
    pictures = config["image_processor"] | {"size": size}
    if "crop_size" in pictures:
        pictures["crop_size"] = size
    change(folder, image_processor=pictures)
    said = sentence(folder)
    assert "does not fit its model: " in said
    assert "take both from one checkpoint, such as " in said


@pytest.mark.parametrize("family", ["llava"])
def test_an_image_token_that_the_model_does_not_know_is_reported(folder):
    change(folder, "config.json", image_token_id=9, image_token_index=None)
    assert "writes no token 9, which is the model's image_token_id; take both" in sentence(folder)


BLIND = {
    "writes none": "{{ bos_token }}{% for m in messages %}{% for part in m.content %}"
    "{% if part.type == 'text' %}{{ part.text }}{% endif %}{% endfor %}{% endfor %}",
    "takes plain text": "{% for m in messages %}{{ m.role + ': ' + m.content }}{% endfor %}",
    "prints the list": "{% for m in messages %}{{ m.role }}: {{ m.content }}{% endfor %}",
    "writes it twice": "{% for m in messages %}<image><image>{{ m.content[1].text }}{% endfor %}",
}


@pytest.mark.parametrize("family", ["llava", "llava_next"])
@pytest.mark.parametrize("template", BLIND.values(), ids=BLIND)
def test_a_template_that_writes_no_image_is_reported_in_one_sentence(folder, template):
    (folder / "chat_template.jinja").write_text(template)
    said = sentence(folder)
    assert "chat template writes" in said or "chat template fails: " in said
    assert said.endswith("put the chat_template.jinja of a vision-language checkpoint of its "
                         "family in its place.")  # fmt: skip


@pytest.mark.parametrize("family", ["llava"])
@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("processor_config.json", "settings of its processor (processor_config.json or "),
        ("tokenizer.json", "tokenizer of its processor (tokenizer.json or tokenizer.model or "),
    ],
)
def test_a_folder_that_lacks_part_of_its_processor_is_reported(folder, missing, words):
    (folder / missing).unlink()
    said = sentence(folder)
    assert f"lacks the {words}" in said
    assert said.endswith("fetch all files of the model.")


def test_a_tokenizer_alone_is_no_processor(vlm):
    shape = skeleton(vlm.model.config, Report())
    with pytest.raises(ModelError, match=r"it has no processor, only a \w*Tokenizer"):
        check_processor("it", vlm.processor.tokenizer, vlm.adapter, shape)


@pytest.mark.parametrize("family", ["llava"])
def test_the_command_line_says_so_and_ends_with_status_2(folder, image_path, capsys):
    change(folder, patch_size=None)
    command = ["explore", "--model", str(folder), "--device", "cpu", "--image", str(image_path)]
    assert main([*command, "--prompt", "What is it?"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "it has patch_size None; write" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_family_s_own_processor_fits(tiny_folders, family):
    folder = tiny_folders(family)
    vlm = load_tiny_model(folder, family)  # which checks those that it builds
    if family in HAND_MADE:
        assert isinstance(vlm.processor, TinyProcessor)
        shape = skeleton(vlm.model.config, Report())
        check_processor("it", vlm.processor, adapter_for(vlm.model.config), shape)


def test_a_skeleton_changes_neither_the_config_nor_torch_s_default(vlm):
    import torch

    config = vlm.model.config
    before = config.to_dict()
    made = skeleton(config, Report())
    assert all(weight.is_meta for weight in made.parameters())
    assert config.to_dict() == before
    assert torch.get_default_dtype() == torch.float32
    assert torch.empty(1).device.type == "cpu"
