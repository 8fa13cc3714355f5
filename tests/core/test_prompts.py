"""User text is text: nothing in it steers the model's controls."""

import pytest
from tiny_models import FAMILIES

from vtw_core import InputError, ModelError
from vtw_core.families.prompts import check_prompt, display_pieces, render, sanitise


@pytest.mark.parametrize(
    "text",
    ["<image>", "</s>", "a</s>b<s>c", "<image><image>", "<<image>image>", "<pad>", "</s" + "</s>>"],
)
def test_control_tokens_become_ordinary_text(vlm, image, text):
    plain = vlm.inputs(image, "hello")["input_ids"][0].tolist()
    ids = vlm.inputs(image, text)["input_ids"][0].tolist()
    for special in vlm.processor.tokenizer.all_special_ids:
        assert ids.count(special) == plain.count(special)
    assert vlm.layout(vlm.inputs(image, text)).total == len(ids)


def test_ordinary_text_is_left_alone(vlm):
    for text in ("What is left?", "a < b > c", "naïve café 猫", "s/image/x/"):
        assert sanitise(text, vlm.processor) == text


def test_a_control_token_stays_readable(vlm):
    assert sanitise("say <image> now", vlm.processor) == "say < image> now"


@pytest.mark.parametrize(
    ("prompt", "words"),
    [("", "empty"), (" \n\t", "empty"), ("x" * 2001, "2000"), (None, "text"), (3, "text"),
     ("\ud800", "Unicode")],
)  # fmt: skip
def test_prompts_that_cannot_be_used_are_refused(vlm, image, prompt, words):
    with pytest.raises(InputError, match=words):
        check_prompt(prompt)
    with pytest.raises(InputError, match=words):
        vlm.inputs(image, prompt)


def test_a_prompt_longer_than_the_context_is_refused(vlm, image):
    with pytest.raises(InputError, match="can hold 512"):
        vlm.inputs(image, "z" * 1900)


def test_there_is_one_bos_and_the_image_comes_before_the_text(vlm, image):
    ids = vlm.inputs(image, "hello")["input_ids"][0].tolist()
    assert ids.count(vlm.processor.tokenizer.bos_token_id) == 1
    text = render("hello", vlm.processor)
    assert text.index("<image>") < text.index("hello")


def test_a_missing_chat_template_is_reported(vlm, monkeypatch):
    monkeypatch.setattr(vlm.processor, "chat_template", None)
    with pytest.raises(ModelError, match="no chat template"):
        render("hello", vlm.processor)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_family_s_prompt_is_its_template_s(tiny_models, family, image):
    vlm = tiny_models(family)
    text = render("What is it?", vlm.processor, 2, vlm.adapter.has_chat_template)
    visual = FAMILIES[family].image
    assert text.count(visual) == 2
    assert text.rindex(visual) < text.index("What is it?")
    if family == "paligemma":  # its checkpoints have no template
        assert text == f"{visual}{visual}What is it?"
    else:
        assert text.startswith("<s>You look at pictures.")
        assert text.endswith("What is it? ASSISTANT:")
    tokenizer = vlm.processor.tokenizer
    ids = vlm.inputs(image, "What is it?")["input_ids"][0].tolist()
    assert ids.count(tokenizer.bos_token_id) == 1


def test_paligemma_s_prompt_ends_with_the_line_break_it_was_trained_on(tiny_models, image):
    vlm = tiny_models("paligemma")
    ids = vlm.inputs(image, "answer en what is it?")["input_ids"][0].tolist()
    text = vlm.processor.tokenizer.decode(ids)
    assert text.endswith("<s>answer en what is it?\n")


def test_a_failing_chat_template_is_reported(vlm, monkeypatch):
    monkeypatch.setattr(vlm.processor, "chat_template", "{{ raise_exception('no') }}")
    with pytest.raises(ModelError, match="template fails"):
        render("hello", vlm.processor)


def test_display_pieces_keep_their_white_space(vlm):
    tokenizer = vlm.processor.tokenizer
    ids = tokenizer("What is left of it?")["input_ids"]
    assert "".join(display_pieces(ids, tokenizer)) == "What is left of it?"


def test_sentence_piece_spaces_are_shown_as_spaces():
    class Tokenizer:
        def convert_ids_to_tokens(self, ids):
            return ["\u2581a", "\u2581ball"]

    assert display_pieces([5, 6], Tokenizer()) == (" a", " ball")
