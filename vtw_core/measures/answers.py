"""Compare two answers word by word."""

from difflib import SequenceMatcher


def differing_words(baseline: str, other: str) -> list[tuple[str, bool]]:
    """Split `other` into runs of words, each marked whether the baseline says the same there.

    Runs alternate; words are what white space separates. Words that only the baseline has are
    not shown, since the text belongs to `other`.

    Returns:
        [(text, same), ...]; joined with single spaces the texts give `other`'s words again.
    """
    before, after = baseline.split(), other.split()
    matcher = SequenceMatcher(a=before, b=after, autojunk=False)
    runs: list[tuple[str, bool]] = []
    for tag, _, _, start, end in matcher.get_opcodes():
        if start == end:
            continue
        same = tag == "equal"
        text = " ".join(after[start:end])
        if runs and runs[-1][1] == same:
            runs[-1] = (f"{runs[-1][0]} {text}", same)
        else:
            runs.append((text, same))
    return runs
