"""Prompts, methods and names of models that strangers send."""

from types import SimpleNamespace

import pytest
from hostile_inputs import METHODS, MODELS, PROMPTS
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import FAMILIES, GEMMA_NAMES, build_tokenizer

from vtw_core import InputError
from vtw_core.families.prompts import check_prompt, control_tokens, render, sanitise
from vtw_core.loading.loading import resolve
from vtw_core.strategies.words import method_from

QUICK = settings(max_examples=60, derandomize=True, deadline=None, database=None)


@pytest.mark.parametrize("name", PROMPTS)
def test_a_prompt_reaches_the_model_as_it_is_or_is_refused_in_one_sentence(vlm, name):
    row = PROMPTS[name]
    if row.refused:
        with pytest.raises(InputError) as refused:
            check_prompt(row.value)
        assert str(refused.value) == row.refused
    else:
        # A template of another's text would have put 49 in its place, or never have come back.
        assert check_prompt(row.value) in render(check_prompt(row.value), vlm.processor)


def processor_of(family):
    """As much of a family's processor as a prompt meets."""
    tiny = FAMILIES[family]
    tokenizer = build_tokenizer(tiny.specials, **(GEMMA_NAMES if family == "gemma3" else {}))
    return SimpleNamespace(tokenizer=tokenizer, image_token=tiny.specials[0])


def steering(text, processor):
    """Ids in a text that steer the model."""
    tokenizer = processor.tokenizer
    ids = set(tokenizer.convert_tokens_to_ids(list(control_tokens(processor))))
    return (ids - {tokenizer.unk_token_id}) & set(tokenizer(text)["input_ids"]) - set(
        tokenizer("")["input_ids"]
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_no_special_token_of_a_family_steers_its_model(family):
    processor = processor_of(family)
    tokens = control_tokens(processor)
    assert tokens
    for text in (*tokens, " ".join(tokens), "".join(tokens), "".join(reversed(tokens))):
        assert steering(text, processor)
        assert not steering(sanitise(text, processor), processor)


QWEN = processor_of("qwen2_vl")
PIECES = st.sampled_from(
    [
        part
        for token in control_tokens(QWEN)
        for part in (token, token[: len(token) // 2], token[len(token) // 2 :], token[0])
    ]
)


@QUICK
@given(st.lists(PIECES | st.text(max_size=3), max_size=8).map("".join))
def test_no_text_made_of_pieces_of_special_tokens_steers_a_model(text):
    try:
        clean = sanitise(text, QWEN)
    except InputError:
        return
    assert not steering(clean, QWEN)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_is_refused_in_one_sentence(name):
    with pytest.raises(InputError) as refused:
        method_from(METHODS[name].value)
    assert str(refused.value) == METHODS[name].refused


OPTIONS = st.sampled_from(["vtw", "fastv", "random", "mustdrop", "none", "--k", "--ratio",
                           "--gamma",
                           "--alpha", "--schedule", "--stages", "--tokens", "--filters", "--preset",
                           "nan", "-1", "1e999", "9" * 400, "0.5", "2", "abc", "%s", "%(prog)s",
                           "-h", "--help", "--version"])  # fmt: skip


@QUICK
@given(st.lists(OPTIONS | st.text(max_size=6), max_size=8).map(" ".join))
def test_any_words_are_a_method_or_one_sentence(asked):
    said = ""
    try:
        method_from(asked)
    except InputError as refused:
        said = str(refused)
    assert "\n" not in said


@pytest.mark.parametrize("name", MODELS)
def test_a_name_that_is_no_model_is_refused_before_anything_is_looked_up(name, monkeypatch):
    monkeypatch.setattr("socket.getaddrinfo", None)
    with pytest.raises(InputError) as refused:
        resolve(name)
    assert str(refused.value) == MODELS[name].refused
