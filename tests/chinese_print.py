"""How Chinese is printed, as far as a pattern can tell."""

import re

CJK = r"\u3400-\u4dbf\u4e00-\u9fff"
FULL_WIDTH = "，。：；（）“”？！、"
RULES = {
    "a half-width mark after Chinese": rf"[{CJK}][,;:?!()]|[{CJK}]\.(?!\.)",
    "a space before a Chinese mark": rf" [{FULL_WIDTH.replace('“', '')}]",
    "Chinese and Latin without a space": rf"[{CJK}][A-Za-z0-9]|[A-Za-z0-9%][{CJK}]",
}


def misprints(text):
    """[(rule, where in the text)] of a Chinese sentence."""
    return [
        (rule, found[0])
        for rule, pattern in RULES.items()
        if (found := re.search(f".{{0,8}}(?:{pattern}).{{0,8}}", text))
    ]
