"""The errors a user may see: one clear sentence each, which says what to do."""


class VTWError(ValueError):
    """Base of every error that vtw_core raises on purpose."""


class InputError(VTWError):
    """An image, a prompt, a K, an eta or a saved file cannot be used as given."""


class ModelError(VTWError):
    """A model cannot be loaded, or visual tokens cannot be withdrawn from it; says why."""


def causes(error: BaseException) -> list[BaseException]:
    """An error, what it came from, what that came from, ..."""
    chain: list[BaseException] = []
    step: BaseException | None = error
    while step is not None and step not in chain:
        chain.append(step)
        step = step.__cause__ or step.__context__
    return chain


def first_line(error: BaseException) -> str:
    """What an error says in one line, or its kind where it says nothing."""
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return first or type(error).__name__
