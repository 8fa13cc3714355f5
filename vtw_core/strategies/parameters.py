"""What a strategy's field declares about itself, once: bounds, choices, default, symbol, help.

From it come the command line's options, the words of a method, a page's controls, validation,
clamping, and the table of docs/strategies.md.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Literal, Self

from vtw_core.errors import InputError
from vtw_core.files.python_numbers import real, whole

Kind = Literal["whole", "real", "choice", "letters", "counts"]
REQUIRED: Any = object()
"""The default of a parameter that has none."""


TOKENS = "tokens"


@dataclass(frozen=True)
class Size:
    """What the bounds of a parameter may depend on: decoder layers, and visual tokens."""

    layers: int
    visual: int


@dataclass(frozen=True)
class Bound:
    """A bound that is a count of the model or prompt, less some."""

    of: Literal["layers", "visual"]
    less: int = 0

    def at(self, size: Size) -> int:
        """The bound in a model and prompt of that size."""
        return int(getattr(size, self.of)) - self.less


LAYERS, LAST_LAYER, VISUAL = Bound("layers"), Bound("layers", less=1), Bound("visual")


@dataclass(frozen=True)
class Published:
    """Layers that a paper names for its own model, scaled to another: the default of a field whose
    value is None.

    Attributes:
        layers: one layer, or several in rising order.
        of: decoder layers of the paper's model.
        least: the smallest that a scaled one may be.
    """

    layers: int | tuple[int, ...]
    of: int = 32
    least: int = 0

    def at(self, layers: int) -> Any:
        """Scaled to this many layers, halves up; of several, each once and none past the end."""
        if isinstance(self.layers, int):
            return max(self.least, self._scaled(self.layers, layers))
        scaled = (max(self.least, self._scaled(one, layers)) for one in self.layers)
        return tuple(sorted({min(one, layers - 1) for one in scaled}))

    def _scaled(self, one: int, layers: int) -> int:
        return math.floor(one * layers / self.of + 0.5)


@dataclass(frozen=True)
class Parameter:
    """One parameter of a strategy.

    Attributes:
        kind: "whole" and "real" numbers, one of the `choices`, "letters" out of the `choices`
            (each one a thing that is switched on), "counts": a tuple of whole numbers.
        symbol: as in the paper.
        help: what it is, in a line.
        name: of the field; of a parameter that is no field, its key in `Parameters.options`.
        default: a value, `Published`, or REQUIRED.
        least, most: bounds, where it has any.
        choices: of "choice" and "letters".
        given_by: another parameter that may give its value instead; TOKENS: the number of visual
            tokens that the strategy is fitted to.
        flag: its option on the command line, without the dashes; the name if none is given.
        subject: how sentences about it begin; the name if none is given. Words of more than a name
            are a `Sentence`, so that another language knows them.
        because: why `least` is what it is, in brackets after it.
        check: value -> the value to keep, or InputError; in place of the checks by kind.
    """

    kind: Kind
    symbol: str
    help: str
    name: str = ""
    default: Any = REQUIRED
    least: float | None = None
    most: float | Bound | None = None
    choices: tuple[str, ...] = ()
    given_by: str | None = None
    flag: str = ""
    subject: str = ""
    because: str = ""
    check: Callable[[Any], Any] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "flag", self.flag or self.name.replace("_", "-"))
        object.__setattr__(self, "subject", self.subject or self.name)

    @property
    def is_required(self) -> bool:
        """Whether a strategy cannot be requested without it."""
        return self.default is REQUIRED and self.given_by in (None, TOKENS)

    def default_at(self, layers: int) -> Any:
        """The default in a decoder with this many layers; None without any."""
        if isinstance(self.default, Published):
            return self.default.at(layers)
        return None if self.default is REQUIRED else self.default

    def checked(self, value: Any) -> Any:
        """The value as Python's own.

        Raises:
            InputError: it is none of this kind, or out of bounds that hold in every model.
        """
        if value is None and isinstance(self.default, Published):
            return None
        if self.check is not None:
            return self.check(value)
        if self.kind == "whole":
            return self._whole(value)
        if self.kind == "real":
            return self._real(value)
        if self.kind == "choice":
            if value not in self.choices:
                names = ", ".join(self.choices)
                raise InputError(
                    "{what} must be one of {names}, not {value!r}.",
                    what=self.subject,
                    names=names,
                    value=value,
                )
            return value
        return tuple(self._whole(one) for one in value)

    def _whole(self, value: Any) -> int:
        number, most = whole(value), self.most if isinstance(self.most, (int, float)) else None
        least = 0 if self.least is None else self.least
        if most is not None and (number is None or not least <= number <= most):
            raise InputError(
                "{what} must be a whole number from {least:g} to {most:g}, not {value!r}.",
                what=self.subject,
                least=least,
                most=most,
                value=value,
            )
        if number is None or number < least:
            raise InputError(
                "{what} must be a whole number, {least:g} or more{because}, not {value!r}.",
                what=self.subject,
                least=least,
                because=self.because,
                value=value,
            )
        return number

    def _real(self, value: Any) -> float:
        number, most = real(value), self.most if isinstance(self.most, (int, float)) else math.inf
        least = -math.inf if self.least is None else self.least
        if math.isfinite(least) and math.isfinite(most):
            if number is None:
                raise InputError(
                    "{what} must be a number from {least:g} to {most:g}, not {value!r}.",
                    what=self.subject,
                    least=least,
                    most=most,
                    value=value,
                )
            if not least <= number <= most:
                raise InputError(
                    "{what} must be from {least:g} to {most:g}, not {value}.",
                    what=self.subject,
                    least=least,
                    most=most,
                    value=number,
                )
            return number
        if number is None or not _is_finite(number):
            raise InputError(
                "{what} must be a finite number, not {value!r}.", what=self.subject, value=value
            )
        if number < least:
            raise InputError(
                "{what} must be {least:g} or more, not {value}.",
                what=self.subject,
                least=least,
                value=number,
            )
        if number > most:
            raise InputError(
                "{what} must be {most:g} or less, not {value}.",
                what=self.subject,
                most=most,
                value=number,
            )
        return number

    def check_fits(self, value: Any, layers: int) -> None:
        """Raise InputError unless a value fits a decoder with this many layers."""
        if value is None or not isinstance(self.most, Bound) or self.most.of != "layers":
            return
        most = layers - self.most.less
        if any(one > most for one in (value if self.kind == "counts" else (value,))):
            raise InputError(
                "{what} must be {least:g} to {most}, the model's layers, not {value}.",
                what=self.subject,
                least=self.least or 0,
                most=most,
                value=value,
            )

    def clamped(self, value: Any, size: Size, otherwise: Any = None) -> Any:
        """The nearest value that a model and prompt of that size have; never raises.

        Args:
            value: anything at all, such as a browser's.
            otherwise: what holds where `value` is of another kind; None: the default.
        """
        if otherwise is None:
            otherwise = self.default_at(size.layers)
        if self.kind == "choice":
            return value if isinstance(value, str) and value in self.choices else otherwise
        if self.kind == "letters":
            if not isinstance(value, (str, list, tuple)):
                return otherwise
            return "".join(one for one in self.choices if one in value)
        if self.kind == "counts":
            return self._clamped_counts(value, size, otherwise)
        number = self._clamped(value, size)
        return self._clamped(otherwise, size, self.least or 0) if number is None else number

    def _clamped(self, value: Any, size: Size, otherwise: Any = None) -> Any:
        number = real(value)
        if number is None or not _is_finite(number):
            return otherwise
        most = self.most.at(size) if isinstance(self.most, Bound) else self.most
        if most is not None:
            number = min(number, most)
        if self.least is not None:
            number = max(number, self.least)
        return int(number) if self.kind == "whole" else number

    def _clamped_counts(self, value: Any, size: Size, otherwise: Any) -> Any:
        if not isinstance(value, (list, tuple)) or any(whole(one) is None for one in value):
            return otherwise
        clamped = tuple(self._clamped(one, size) for one in value)
        try:
            return self.checked(clamped)
        except InputError:
            return otherwise

    def read(self, value: Any) -> Any:
        """A value as the command line gave it, counts split up."""
        if self.kind != "counts" or value is None:
            return value
        try:
            return tuple(int(part) for part in value.split(","))
        except ValueError:
            raise InputError(
                "--{option} must be whole numbers with commas between, such as 64,64,32, not "
                "{value!r}.",
                option=self.flag,
                value=value,
            ) from None

    def written(self, value: Any) -> str:
        """A value as the command line takes it: what `read` undoes."""
        if self.kind == "counts":
            return ",".join(map(str, value))
        return f"{value:.12g}" if self.kind == "real" else str(value)


def _is_finite(number: float) -> bool:
    """Checked for a float alone: no float holds every whole number."""
    return not isinstance(number, float) or math.isfinite(number)


def parameter(kind: Kind, symbol: str, help: str, **options: Any) -> Any:
    """A field of a strategy that describes itself; options are attributes of `Parameter`."""
    about = Parameter(kind, symbol, help, **options)
    default = about.default
    if default is REQUIRED:
        return field(metadata={"parameter": about})
    if isinstance(default, Published):
        default = None
    return field(default=default, metadata={"parameter": about})


@dataclass(frozen=True)
class Parameters:
    """A frozen dataclass whose fields may describe themselves, by `parameter`."""

    more: ClassVar[tuple[Parameter, ...]] = ()
    """Parameters that are no fields."""

    @classmethod
    def fields_described(cls) -> tuple[Parameter, ...]:
        """The fields that describe themselves, in their order."""
        return tuple(
            replace(about, name=one.name)
            for one in fields(cls)
            if (about := one.metadata.get("parameter")) is not None
        )

    @classmethod
    def parameters(cls) -> tuple[Parameter, ...]:
        """Everything that can be set by hand, in the order of its controls."""
        return (*cls.more, *cls.fields_described())

    def __post_init__(self) -> None:
        for one in self.fields_described():
            object.__setattr__(self, one.name, one.checked(getattr(self, one.name)))

    @classmethod
    def from_options(cls, given: Mapping[str, Any]) -> Self:
        """Make one of values by the names of its parameters; what is not there is the default."""
        return cls(**given)

    def options(self) -> dict[str, Any]:
        """What `from_options` makes this one of again."""
        return {one.name: getattr(self, one.name) for one in self.fields_described()}
