"""The tables of docs/strategies.md, from what the strategies declare about themselves.

`python -m vtw_core.strategies.table` prints them.
"""

from vtw_core.files.printing import print_pieces
from vtw_core.strategies.method import WANTED_TOKENS
from vtw_core.strategies.parameters import REQUIRED, TOKENS, Bound, Parameter, Published
from vtw_core.strategies.registry import registered

_KINDS = {"whole": "whole number", "real": "number", "letters": "letters", "counts": "counts"}
_BOUNDS = {"layers": "$L$", "visual": "visual tokens"}


def strategies_table() -> list[str]:
    """Markdown: every strategy, its class and what leaves."""
    rows = ["| `--strategy` | class | what leaves |", "|---|---|---|"]
    for name, variants in registered().items():
        for one in variants:
            fields = ", ".join(about.name for about in one.fields_described())
            paper = f" ({one.paper})" if one.paper else ""
            called = f"{one.__name__}({fields})" if fields else one.__name__
            rows.append(f"| `{name}` | `{called}` | {one.summary}{paper} |")
    return rows


def parameters_table() -> list[str]:
    """Markdown: every option of every strategy."""
    rows = ["| strategy | option | | values | default | what it is |", "|---|---|---|---|---|---|"]
    for name, variants in registered().items():
        for one in variants:
            more = (WANTED_TOKENS,) if one.takes_tokens() else ()
            rows += [
                f"| `{name}` {one.__name__} | `{about.flag}` | {about.symbol} | {_values(about)} | "
                f"{_default(about)} | {about.help} |"
                for about in (*one.parameters(), *more)
            ]
    return rows


def _values(about: Parameter) -> str:
    if about.choices:
        return ", ".join(f"`{one}`" for one in about.choices)
    least, most = (_bound(one) for one in (about.least, about.most))
    if not least and not most:
        return _KINDS[about.kind]
    return (
        f"{_KINDS[about.kind]}, {least} to {most}" if most else f"{_KINDS[about.kind]}, {least} up"
    )


def _bound(bound: float | Bound | None) -> str:
    if isinstance(bound, Bound):
        return _BOUNDS[bound.of] + (f" - {bound.less}" if bound.less else "")
    return "" if bound is None else f"{bound:g}"


def _default(about: Parameter) -> str:
    if isinstance(about.default, Published):
        layers = about.default.layers
        written = layers if isinstance(layers, int) else ", ".join(map(str, layers))
        return f"{written} of {about.default.of}, scaled"
    if about.default is REQUIRED:
        given = f", or by `{about.given_by}`" if about.given_by else ""
        return f"to be given{given}"
    return "none" if about.default is None or about.name == TOKENS else f"`{about.default}`"


if __name__ == "__main__":
    print_pieces([f"{row}\n" for row in (*strategies_table(), "", *parameters_table())])
