"""What every strategy is: a frozen dataclass that describes itself and says what stays."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Protocol, Self

from numpy.typing import ArrayLike

from vtw_core.errors import InputError
from vtw_core.families.layout import IntArray, Positions
from vtw_core.results.fates import TokenFates
from vtw_core.results.trace import Trace
from vtw_core.strategies.parameters import Parameters, Published, Size
from vtw_core.strategies.view import Decision, LayerView, Need


class ImageMerger(Protocol):
    """Says which patches become one token while the image is encoded; see
    `vtw_core.engine.vision_merging`."""

    def tokens_of(self, features: ArrayLike, grid: tuple[int, int]) -> IntArray:
        """[rows * cols] each patch's token, numbered in the order of their first patches, from
        the patches' features [rows * cols, d] behind the encoder's first layer."""
        ...

    def key_tokens(self, attention: ArrayLike) -> IntArray:
        """Indices of the tokens that must stay in the decoder, from what each gets [tokens] of
        the attention of the encoder's last layer."""
        ...


class Trials(Protocol):
    """Prefills of some prompts under strategies that are tried.

    Attributes:
        layers: of the decoder.
        visual: visual tokens of a prompt, mean over the prompts.
    """

    @property
    def layers(self) -> int: ...

    @property
    def visual(self) -> int: ...

    def traces(self, strategy: "Strategy") -> list[Trace]:
        """[prompts] what each layer saw."""
        ...


@dataclass(frozen=True)
class Strategy(Parameters):
    """Says which visual tokens are present in each decoder layer.

    A subclass is a frozen dataclass whose fields are made by `parameter`; `register` makes it
    known everywhere. It keeps no state: one may be used by many runs at once.

    Attributes:
        name: as on the command line. Strategies of one name are variants of each other, told apart
            by which options are given.
        summary: who leaves, in a line.
        paper: where it comes from, such as "arXiv 2403.06764".
        drops_text: whether text may leave too.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    paper: ClassVar[str] = ""
    drops_text: ClassVar[bool] = False

    def describe(self) -> dict[str, Any]:
        """Name and parameters, JSON-ready; `from_description` undoes it."""
        plain = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }
        return {"name": self.name, **plain}

    @classmethod
    def from_description(cls, said: Mapping[str, Any]) -> Self:
        """The strategy that describes itself in this way.

        Raises:
            InputError: a parameter is missing or out of range.
        """
        names = cls.field_names()
        missing = [name for name in names if name not in said]
        if missing:
            raise InputError(
                "The description of {strategy} has no {names}.",
                strategy=cls.name,
                names=", ".join(missing),
            )
        return cls(**{name: said[name] for name in names})

    @classmethod
    def field_names(cls) -> tuple[str, ...]:
        """What it consists of."""
        return tuple(one.name for one in fields(cls))

    def published(self, layers: int) -> dict[str, Any]:
        """What its description says besides, in a decoder of so many layers: the parameters that
        were scaled, and "preset", which they are; nothing where all were chosen."""
        said: dict[str, Any] = {}
        words = []
        for one in self.fields_described():
            if isinstance(one.default, Published) and getattr(self, one.name) is None:
                said[one.name] = one.default.at(layers)
                words.append(
                    f"{one.symbol} as published, {one.default.layers} of {one.default.of} layers, "
                    f"scaled to {layers}"
                )
        return said | ({"preset": "; ".join(words)} if words else {})

    def described(self, layers: int) -> dict[str, Any]:
        """Name and parameters as they hold in a decoder of so many layers, JSON-ready."""
        return self.describe() | self.published(layers)

    def value(self, name: str, layers: int) -> Any:
        """A field as it holds in a decoder of so many layers: the default where it is None."""
        given = getattr(self, name)
        about = next(one for one in self.fields_described() if one.name == name)
        return about.default_at(layers) if given is None else given

    def check(self, layers: int) -> None:
        """Raise InputError unless the strategy fits a decoder of so many layers."""
        for one in self.fields_described():
            one.check_fits(getattr(self, one.name), layers)

    def clamped(self, layers: int, visual: int) -> Self:
        """The nearest one that fits a model and a prompt of that size; never raises."""
        size, options = Size(layers, visual), self.options()
        about = [one for one in self.parameters() if options.get(one.name) is not None]
        return self.from_options(
            options | {one.name: one.clamped(options[one.name], size) for one in about}
        )

    def fitted_to(self, tokens: float, layers: int, visual: int) -> Self | None:
        """The same set to leave so many visual tokens, mean over the layers; None if it cannot be
        said of counts alone.

        Args:
            tokens: out of reach, it is the nearest in reach.
            layers: of the decoder.
            visual: visual tokens of the prompt.
        """
        return None

    @classmethod
    def takes_tokens(cls) -> bool:
        """Whether it can be set to a number of visual tokens."""
        return cls.fitted_to is not Strategy.fitted_to or cls.fitted_by is not Strategy.fitted_by

    def fitted_by(self, trials: "Trials", tokens: float, *, nearest: bool = False) -> "Strategy":
        """The same fitted to a number of visual tokens by trial runs of the very prompt.

        Args:
            nearest: whether a number out of reach becomes the nearest in reach.

        Raises:
            InputError: it cannot be fitted, or the number is out of reach.
        """
        return self.fitted_to(tokens, trials.layers, trials.visual) or self

    # What stays. The engine asks layer by layer, once per prefill, just before the layer runs, and
    # remembers the answer for decoding. A token that has left cannot come back.

    def needs(self, layers: int) -> Mapping[int, frozenset[Need]]:
        """Layer -> what is to be recorded while it runs, in a decoder of so many layers. Nothing
        else is recorded, and nothing is put around a layer that is not named."""
        return {}

    def kept(self, view: LayerView) -> IntArray:
        """Which visual tokens the layer that is about to run sees.

        Returns:
            [b] positions, a subset of `view.alive`; of `view.tokens` if it drops text, of which
            the prompt's last one always stays.
        """
        return view.alive

    def decide(self, view: LayerView) -> Decision:
        """`kept`, with the scores behind it; a strategy that can say why overrides this."""
        return Decision(self.kept(view))

    def explain(self, trace: Trace) -> TokenFates | None:
        """Why each visual token stayed or left in the run that left a trace; None where nothing was
        judged."""
        judged = trace.decisions or trace.layout.key is not None
        return TokenFates.of(trace) if judged else None

    def reduced_cache(self, layers: int) -> range:
        """The layers whose KV cache keeps, after the prefill, of the visual tokens only those that
        the last layer saw."""
        return range(0)

    @property
    def vision(self) -> ImageMerger | None:
        """What merges patches while the image is encoded; None: it does not begin there."""
        return None

    @property
    def positions(self) -> Positions:
        """Position ids of what stays: as they were, or renumbered."""
        return "keep"
