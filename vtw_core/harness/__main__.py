"""``python -m vtw_core.harness ...``: the command line of lm-evaluation-harness, which knows the
model ``vtw`` and this package's tasks besides its own.

The harness has no plug-in option for models, only a registry, so that it is started from here.
"""

import sys
from pathlib import Path

from vtw_core.errors import VTWError, causes
from vtw_core.files.printing import print_error
from vtw_core.machine.memory import OUT_OF_MEMORY, is_out_of_memory

TASKS = Path(__file__).with_name("tasks")
BAD_INPUT = 2


def main() -> int:
    """Run the harness's command line; returns the exit status."""
    try:
        from lm_eval.__main__ import cli_evaluate

        # Importing it puts it into the harness's registry.
        import vtw_core.harness.model  # noqa: F401
    except ImportError as error:
        if any(map(is_out_of_memory, causes(error))):
            print_error("vtw_core.harness", OUT_OF_MEMORY)
            return BAD_INPUT
        print_error(
            "vtw_core.harness",
            f"lm-evaluation-harness cannot be loaded ({error}); install it with "
            '`pip install "visual-token-withdrawal[scale]"`.',
        )
        return BAD_INPUT
    if "--include_path" not in sys.argv and len(sys.argv) > 2:
        sys.argv += ["--include_path", str(TASKS)]
    try:
        cli_evaluate()
    except VTWError as error:
        print_error("vtw_core.harness", str(error))
        return BAD_INPUT
    return 0


if __name__ == "__main__":
    sys.exit(main())
