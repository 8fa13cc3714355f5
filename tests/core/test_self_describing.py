"""What a strategy says about itself: words, options, descriptions and clamping undo each other."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vtw_core import (
    FastV,
    InputError,
    KeepAll,
    MustDrop,
    RandomDrop,
    RandomWithdrawal,
    VisionStage,
    VisualTokenWithdrawal,
)
from vtw_core.strategies.method import WANTED_TOKENS, Method
from vtw_core.strategies.mustdrop import DEFAULT_PRESET, EQUAL_THRESHOLDS, PRESETS
from vtw_core.strategies.parameters import LAST_LAYER, LAYERS, VISUAL, Published, Size
from vtw_core.strategies.random_drop import RandomShare
from vtw_core.strategies.registry import registered, strategy_class, strategy_of
from vtw_core.strategies.words import method_from, options, words_of

QUICK = settings(max_examples=60, derandomize=True, deadline=None, database=None)
SIZE = Size(layers=16, visual=144)
STRATEGIES = [
    KeepAll(),
    VisualTokenWithdrawal(8),
    VisualTokenWithdrawal(0, "repack"),
    FastV(),
    FastV(2, 0.61, "text_mean"),
    RandomShare(2, 0.25, 7),
    RandomDrop((9, 9, 3), 1),
    RandomWithdrawal(3, 2),
    MustDrop(*EQUAL_THRESHOLDS),
    MustDrop(0.02, 0.001, vision=None, cache=False, layers=(1, 4), positions="repack"),
    MustDrop.preset("vizwiz-64", prefill=False, cache=False),
]


@pytest.mark.parametrize("strategy", STRATEGIES, ids=str)
def test_words_options_and_descriptions_are_undone(strategy):
    assert method_from(words_of(Method("", strategy))).strategy == strategy
    assert type(strategy).from_options(strategy.options()) == strategy
    said = json.loads(json.dumps(strategy.describe()))
    assert strategy_of(said) == strategy
    assert type(strategy_of(said)) is type(strategy)


def test_a_description_with_what_was_scaled_gives_the_strategy_that_ran():
    assert strategy_of(FastV().described(16)) == FastV(1)
    assert strategy_of(MustDrop.preset("128").described(16)) == MustDrop.preset("128")
    part = MustDrop(0.5, 0.5, VisionStage(2, 0.5, 0.1))
    assert strategy_of(part.describe()) == part


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"name": "magic"}, "no strategy 'magic'"),
        ({}, "no strategy"),
        ({"name": "vtw", "positions": "keep"}, "has no k"),
        ({"name": "none", "k": 3}, "has no k"),
        ({"name": "fastv", "k": 0, "ratio": 0.5, "ranking": "last_token"}, "1 or more"),
    ],
)
def test_a_description_of_no_strategy_is_refused(said, words):
    with pytest.raises(InputError, match=words):
        strategy_of(said)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("vtw --k 8", "vtw:k=8"),
        ("fastv --k 2 --ratio 0.61 --ranking text_mean", "fastv:k=2,ratio=0.61,ranking=text_mean"),
        ("random --schedule 64,32,8 --drop-seed 3", "random:schedule=64,32,8,drop-seed=3"),
        ("random --k 2", "random:k=2"),
        ("mustdrop --stages bc --tokens 48", "mustdrop:stages=bc,tokens=48"),
        ("mustdrop --filters 2,6 --preset 128", "mustdrop:filters=2,6,preset=128"),
        ("none", "none"),
    ],
)
def test_the_options_of_the_command_line_and_the_words_are_one_grammar(old, new):
    one, other = method_from(old), method_from(new)
    assert (one.strategy, one.tokens) == (other.strategy, other.tokens)
    assert (one.label, other.label) == (old, new)
    again = method_from(words_of(other))
    assert (again.strategy, again.tokens) == (one.strategy, one.tokens)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("vtw:8", "name=value"),
        ("vtw:k=8,", "invalid int"),
        ("vtw:k=", "invalid int"),
        ("paint:k=3", "invalid choice"),
        ("vtw:", "needs --k"),
        ("fastv:gamma=1", "--gamma belongs to --strategy mustdrop"),
        ("random:k=2,schedule=3", "not both"),
        (":k=2", "name=value"),
    ],
)
def test_words_that_are_none_are_reported(asked, words):
    with pytest.raises(InputError, match=words):
        method_from(asked)


def test_words_need_no_quotes_and_stand_in_a_query():
    every = "".join(words_of(Method("", strategy)) for strategy in STRATEGIES)
    assert set(every) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-.,:=")


def test_a_strategy_without_its_preset_is_the_default_one():
    assert method_from("mustdrop").strategy == MustDrop.preset(DEFAULT_PRESET)
    one = PRESETS[DEFAULT_PRESET]
    assert (one.gamma, one.alpha) == EQUAL_THRESHOLDS
    assert words_of(method_from("mustdrop --preset 64")) == "mustdrop:preset=textvqa-64"


def test_an_option_of_several_strategies_is_one_option():
    owners = {one.flag: set(one.owners) for one in options()}
    assert owners["k"] == {"vtw", "fastv", "random"}
    assert owners["ratio"] == {"fastv", "random"}
    assert owners["stages"] == owners["gamma"] == {"mustdrop"}
    assert len(owners) == len(options())


@pytest.mark.parametrize("name", ["vtw", "fastv", "random"])
@pytest.mark.parametrize("tokens", [0, 30, 77.5, 144, 1000])
def test_a_strategy_set_by_counting_leaves_about_so_many_tokens(name, tokens):
    chosen = method_from(f"{name}:tokens={tokens},k=2" if name != "vtw" else "vtw:tokens=9")
    there = chosen.strategy.fitted_to(tokens, SIZE.layers, SIZE.visual)
    there.check(SIZE.layers)
    whole = there.k * SIZE.visual
    after = (SIZE.layers - there.k) * SIZE.visual * (1 - getattr(there, "ratio", 1))
    mean = (whole + after) / SIZE.layers
    least = SIZE.visual / SIZE.layers if name == "fastv" else 0  # FastV's first layer sees all
    step = SIZE.visual / SIZE.layers / 2 if name == "vtw" else 0.5
    assert abs(mean - min(max(tokens, least), SIZE.visual)) <= step


def test_tokens_are_for_those_that_can_be_set_to_a_number_of_them():
    with pytest.raises(InputError, match="leave tokens out"):
        Method("none", KeepAll(), 40)
    with pytest.raises(InputError, match="leave tokens out"):
        Method("random", RandomDrop((3, 3)), 40)
    assert Method("vtw", VisualTokenWithdrawal(0), 40).tokens == 40


ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5),
    st.lists(st.integers(-3, 20), max_size=4), st.just(10**400),
    st.sampled_from(["keep", "text_mean", "bc", "abc", "textvqa-64"]),
)  # fmt: skip


@QUICK
@given(st.data())
def test_whatever_a_browser_sends_is_clamped_to_what_fits(data):
    for variants in registered().values():
        for one in variants:
            for about in (*one.parameters(), WANTED_TOKENS):
                value = about.clamped(data.draw(ANYTHING), SIZE)
                if value is None or about.kind == "letters":
                    continue
                assert about.checked(value) == value
                if about is not WANTED_TOKENS:
                    about.check_fits(value, SIZE.layers)


@pytest.mark.parametrize("strategy", [one for one in STRATEGIES if type(one) is not RandomDrop])
def test_a_strategy_is_clamped_to_a_smaller_model(strategy):
    there = strategy.clamped(3, 40)
    there.check(3)
    assert strategy.clamped(99, 9999) == strategy


def test_bounds_and_published_layers_by_hand():
    assert [bound.at(Size(4, 64)) for bound in (LAYERS, LAST_LAYER, VISUAL)] == [4, 3, 64]
    assert [Published(2, least=1).at(layers) for layers in (4, 24, 40)] == [1, 2, 3]
    assert Published((2, 6, 10, 14)).at(16) == (1, 3, 5, 7)
    assert Published((2, 6, 10, 14)).at(4) == (0, 1, 2)
    assert strategy_class("fastv").parameters()[0].default_at(24) == 2


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: VisualTokenWithdrawal(-1), "K must be a whole number, 0 or more, not -1."),
        (lambda: FastV(0), "FastV's K must be a whole number, 1 or more (the layer before it "
                           "decides), not 0."),
        (lambda: FastV(2, "x"), "FastV's ratio must be a number from 0 to 1, not 'x'."),
        (lambda: FastV(2, 2), "FastV's ratio must be from 0 to 1, not 2."),
        (lambda: FastV(2, 0.5, "x"), "ranking must be one of last_token, text_mean, not 'x'."),
        (lambda: FastV(9).check(8), "FastV's K must be 1 to 8, the model's layers, not 9."),
        (lambda: VisualTokenWithdrawal(9).check(8), "K must be 0 to 8, the model's layers, not 9."),
        (lambda: RandomWithdrawal(1, -1), "The seed must be a whole number, 0 or more, not -1."),
        (lambda: MustDrop(np.nan, 1), "gamma must be a finite number, not nan."),
        (lambda: MustDrop(1, -1), "alpha must be 0 or more, not -1."),
        (lambda: MustDrop(1, 1, layers=(4,)).check(4),
         "Filter layers must be 0 to 3, the model's layers, not (4,)."),
        (lambda: VisionStage(0), "window must be a whole number, 1 or more, not 0."),
        (lambda: VisualTokenWithdrawal(1, "x"), "positions must be 'keep' or 'repack', not 'x'."),
        (lambda: method_from("vtw"),
         "--strategy vtw needs --k, the first layer without visual tokens."),
        (lambda: method_from("random:schedule=1;2"),
         "--schedule must be whole numbers with commas between, such as 64,64,32, not '1;2'."),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_reported_in_the_sentences_of_the_library(make, sentence):
    with pytest.raises(InputError) as told:
        make()
    assert str(told.value) == sentence


GOLDEN = Path(__file__).resolve().parents[1] / "golden_methods.json"


@pytest.mark.parametrize(("asked", "found"), json.loads(GOLDEN.read_text()).items())
def test_what_the_options_of_the_command_line_came_to_stays(asked, found):
    """The sentences and descriptions of the version that had an option for each field by hand."""
    if isinstance(found, str):
        with pytest.raises(InputError) as told:
            method_from(asked)
        assert str(told.value) == found
        return
    method = method_from(asked)
    strategy = method.strategy
    assert type(strategy).__name__ == found["class"]
    assert strategy.describe() == found["strategy"]
    assert method.tokens == found["tokens"]
    if isinstance(found["at 16 layers"], str):
        with pytest.raises(InputError) as told:
            strategy.check(16)
        assert str(told.value) == found["at 16 layers"]
    else:
        strategy.check(16)
        assert strategy.described(16) == found["at 16 layers"]
