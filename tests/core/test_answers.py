"""Word by word comparison of answers."""

from vtw_core.measures.answers import differing_words


def test_equal_answers_are_one_run():
    assert differing_words("a red ball", "a red ball") == [("a red ball", True)]


def test_a_changed_word_is_marked():
    assert differing_words("a red ball", "a blue ball") == [
        ("a", True), ("blue", False), ("ball", True)
    ]  # fmt: skip


def test_words_added_and_words_lost():
    assert differing_words("a ball", "a big round ball") == [
        ("a", True), ("big round", False), ("ball", True)
    ]  # fmt: skip
    assert differing_words("a big ball", "a ball") == [("a ball", True)]


def test_the_texts_join_to_the_other_answer():
    other = "the cube is left of  the ring"
    runs = differing_words("the ring is left", other)
    assert " ".join(text for text, _ in runs) == " ".join(other.split())


def test_empty_answers():
    assert differing_words("a ball", "") == []
    assert differing_words("", "a ball") == [("a ball", False)]
