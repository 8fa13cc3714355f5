"""The errors and warnings a user may see: one clear sentence each, which says what to do."""

# Characters; some errors list all that there is.
_LONGEST = 300


class VTWError(ValueError):
    """Base of every error that vtw_core raises on purpose."""


class InputError(VTWError):
    """An image, a prompt, a K, an eta or a saved file cannot be used as given."""


class ModelError(VTWError):
    """A model cannot be loaded, or visual tokens cannot be withdrawn from it; says why."""


class VTWWarning(UserWarning):
    """What vtw_core does all the same, and a user should know."""


def causes(error: BaseException) -> list[BaseException]:
    """An error, what it came from, what that came from, ..."""
    chain: list[BaseException] = []
    step: BaseException | None = error
    while step is not None and step not in chain:
        chain.append(step)
        step = step.__cause__ or step.__context__
    return chain


def first_line(error: BaseException) -> str:
    """What an error of another library says, in one line that is not too long; its kind where it
    says nothing, or only a key."""
    kind = type(error).__name__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines or isinstance(error, KeyError):
        return ": ".join([kind, *lines[:1]])
    said = " ".join(lines[: 2 if lines[0].endswith(":") else 1])
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]} ..."
