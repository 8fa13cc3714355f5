"""The commands: ``vtw``, which is installed, and ``python -m vtw_app``, which is ``vtw demo``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from vtw_core.families.packages import missing
from vtw_core.files.printing import print_error

NEEDED = ("gradio", "plotly", "matplotlib")
"""What the extra ``demo`` brings."""
BAD_INPUT = 2


def vtw(argv: Sequence[str] | None = None) -> int:
    """Run ``vtw``: what ``python -m vtw_core`` does, and ``demo``; returns the exit status."""
    words = sys.argv[1:] if argv is None else list(argv)
    if words[:1] == ["demo"]:
        return demo(words[1:])
    from vtw_core.__main__ import main

    return main(words, program="vtw", others={"demo": "the page, in a browser"})


def demo(argv: Sequence[str] | None = None) -> int:
    """Run ``vtw demo`` until the page is stopped; returns the exit status."""
    lacking = missing(NEEDED)
    if lacking:
        print_error(
            "vtw demo",
            f'The page needs {" and ".join(lacking)}: pip install "visual-token-withdrawal[demo]".',
        )
        return BAD_INPUT
    # Not before: it imports what may be missing.
    from .main import main

    main(argv, "vtw demo")
    return 0


if __name__ == "__main__":
    sys.exit(demo())
