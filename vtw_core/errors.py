"""The errors of the library: one clear sentence each, which says what to do.

A sentence keeps its template and its values apart, so that another language is a look-up by the
template, and no program has to read English.
"""

from collections.abc import Callable, Mapping
from string import Formatter
from typing import Any, Self

# Characters; some errors list all that there is.
_LONGEST = 300
_FORMATTER = Formatter()


class Sentence(str):
    """An English sentence, or a part of one, that remembers how it was made.

    It is a string, so it can be printed, compared, pickled and kept wherever a string can; JSON
    keeps its words alone.

    Attributes:
        template: the sentence with a plain field for each value, "K must be {low} or more."
        values: the values of the fields, by name: text as it is printed, or a `Sentence` where it
            is one of the library's own. Never an object, so keeping a sentence keeps nothing alive.
    """

    template: str
    values: Mapping[str, str]

    def __new__(cls, template: str, /, **values: object) -> Self:
        """Make the sentence of a template for `str.format`.

        Args:
            template: its fields are names, with a conversion or a format where one is needed.
            values: one for each field; an error counts as its sentence.

        Raises:
            KeyError: a field has no value.
        """
        plain, whole = [], []
        printed: dict[str, str] = {}
        for words, name, form, conversion in _FORMATTER.parse(template):
            plain.append(_escaped(words))
            whole.append(words)
            if name is not None:
                printed[name] = _printed(values[name], form or "", conversion)
                plain.append(f"{{{name}}}")
                whole.append(printed[name])
        sentence = super().__new__(cls, "".join(whole))
        sentence.template, sentence.values = "".join(plain), printed
        return sentence

    @classmethod
    def whole(cls, text: str) -> Self:
        """A text that comes from elsewhere and has no values; braces in it are only braces."""
        return cls(_escaped(text))

    def __reduce__(self) -> tuple[Any, ...]:
        return _made, (type(self), self.template, dict(self.values))

    def with_values(self, change: Callable[[str], str]) -> Self:
        """The same sentence with each printed value changed, also in the sentences inside it."""
        return type(self)(
            self.template,
            **{
                name: value.with_values(change) if isinstance(value, Sentence) else change(value)
                for name, value in self.values.items()
            },
        )


class VTWError(ValueError):
    """Base of every error that vtw_core raises on purpose.

    ``InputError("K must be {low} or more, not {k!r}.", low=0, k=k)``: the template is written where
    the error is raised, never put together there.

    Attributes:
        sentence: its message; `template` and `values` are the sentence's.
    """

    def __init__(self, template: str, /, **values: object) -> None:
        self.sentence = Sentence(template, **values)
        super().__init__(str(self.sentence))

    @classmethod
    def of(cls, sentence: Sentence) -> Self:
        """The error with a sentence that was made before, such as a reason."""
        return cls(sentence.template, **sentence.values)

    @property
    def template(self) -> str:
        """The sentence with a field for each value."""
        return self.sentence.template

    @property
    def values(self) -> Mapping[str, str]:
        """The values of the fields, as they are printed."""
        return self.sentence.values

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).of, (self.sentence,), self.__dict__


class InputError(VTWError):
    """An image, a prompt, a K, an eta or a saved file cannot be used as given."""


class ModelError(VTWError):
    """A model cannot be loaded, or visual tokens cannot be withdrawn from it; says why."""


class VTWWarning(UserWarning):
    """What vtw_core does all the same, and a user should know."""


def system_reason(error: OSError) -> Sentence:
    """Why the operating system refused, such as "Permission denied"."""
    return Sentence.whole(str(error.strerror))


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
    message = " ".join(lines[: 2 if lines[0].endswith(":") else 1])
    return message if len(message) <= _LONGEST else f"{message[:_LONGEST]} ..."


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _printed(value: object, form: str, conversion: str | None) -> str:
    """A value as it is printed; a sentence stays one."""
    shown = value.sentence if isinstance(value, VTWError) else value
    if isinstance(shown, Sentence) and not form and not conversion:
        return shown
    return str(_FORMATTER.format_field(_FORMATTER.convert_field(shown, conversion), form))


def _made(kind: type[Sentence], template: str, values: dict[str, str]) -> Sentence:
    return kind(template, **values)
