"""What every strategy is: a frozen dataclass that describes itself and decides what stays."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike

from vtw_core.errors import InputError
from vtw_core.families.layout import IntArray, Positions
from vtw_core.results.fates import TokenFates
from vtw_core.results.trace import Trace
from vtw_core.strategies.parameters import TOKENS, Parameters, Published, Size
from vtw_core.strategies.view import Decision, LayerView, Need

THEN = "-then-"
"""Between the words of a strategy and of one that comes after it."""


class ImageMerger(Protocol):
    """Decides which patches become one token while the image is encoded; see
    `vtw_core.engine.vision_merging`."""

    def tokens_of(self, features: ArrayLike, grid: tuple[int, int]) -> IntArray:
        """[rows * cols] each patch's token, numbered in the order of their first patches, from
        the patches' features [rows * cols, d] after the encoder's first layer."""
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
    """Decides which visual tokens are present in each decoder layer.

    A subclass is a frozen dataclass whose fields are made by `parameter`; `register` makes it
    known everywhere. It keeps no state: one may be used by many runs at once.

    Attributes:
        name: as on the command line. Strategies of one name are its variants, distinguished
            by which options are given.
        summary: what leaves, in a line.
        paper: where it comes from, such as "arXiv 2403.06764".
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    paper: ClassVar[str] = ""

    def describe(self) -> dict[str, Any]:
        """Name and parameters, JSON-ready; `from_description` undoes it."""
        plain = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }
        return {"name": self.name, **plain}

    @classmethod
    def from_description(cls, description: Mapping[str, Any]) -> Self:
        """The strategy that describes itself in this way.

        Raises:
            InputError: a parameter is missing or out of range.
        """
        names = cls.field_names()
        missing = [name for name in names if name not in description]
        if missing:
            raise InputError(
                "The description of {strategy} has no {names}.",
                strategy=cls.name,
                names=", ".join(missing),
            )
        return cls(**{name: description[name] for name in names})

    @classmethod
    def field_names(cls) -> tuple[str, ...]:
        """What it consists of."""
        return tuple(one.name for one in fields(cls))

    def published(self, layers: int) -> dict[str, Any]:
        """What its description has in addition, with this many layers: the parameters that were
        scaled, and "preset", which they are; nothing where all were chosen."""
        description: dict[str, Any] = {}
        words = []
        for one in self.fields_described():
            if isinstance(one.default, Published) and getattr(self, one.name) is None:
                description[one.name] = one.default.at(layers)
                words.append(
                    f"{one.symbol} as published, {one.default.layers} of {one.default.of} layers, "
                    f"scaled to {layers}"
                )
        return description | ({"preset": "; ".join(words)} if words else {})

    def described(self, layers: int) -> dict[str, Any]:
        """Name and parameters as they hold in a decoder with this many layers, JSON-ready."""
        return self.describe() | self.published(layers)

    def value(self, name: str, layers: int) -> Any:
        """A field as it holds in a decoder with this many layers: the default where it is None."""
        given = getattr(self, name)
        about = next(one for one in self.fields_described() if one.name == name)
        return about.default_at(layers) if given is None else given

    def check(self, layers: int) -> None:
        """Raise InputError unless the strategy fits a decoder with this many layers."""
        for one in self.fields_described():
            one.check_fits(getattr(self, one.name), layers)

    def clamped(self, layers: int, visual: int) -> Self:
        """The nearest one that fits a model and a prompt of that size; never raises."""
        size, options = Size(layers, visual), self.options()
        about = [one for one in self.parameters() if options.get(one.name) is not None]
        return self.from_options(
            options | {one.name: one.clamped(options[one.name], size) for one in about}
        )

    def words(self, tokens: float | None = None) -> str:
        """The words of a method that is this strategy, fitted to so many tokens; defaults are left
        out. `vtw_core.strategies.words.method_from` reads them."""
        return self.words_for(self.options(), tokens)

    @classmethod
    def words_for(cls, options: Mapping[str, Any], tokens: float | None = None) -> str:
        """The same of values by the names of the parameters, which `from_options` may refuse."""
        pairs = [
            f"{about.flag}={about.written(options[about.name])}"
            for about in cls.parameters()
            if options.get(about.name) is not None
            and (about.is_required or options[about.name] != about.default)
        ]
        pairs += [] if tokens is None else [f"{TOKENS}={tokens:.12g}"]
        return f"{cls.name}:{','.join(pairs)}" if pairs else cls.name

    def seeded(self, seed: int) -> Self:
        """The same with another seed, if it draws at random."""
        changed: dict[str, Any] = {"seed": seed} if "seed" in self.field_names() else {}
        return replace(self, **changed)

    def fitted_to(self, tokens: float, layers: int, visual: int) -> Self | None:
        """The same set to leave so many visual tokens, mean over the layers; None if it cannot be
        known of counts alone.

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
        """Layer -> what is to be recorded while it runs, with this many decoder layers. Nothing
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

    @property
    def drops_text(self) -> bool:
        """Whether text may leave too."""
        return False

    def left_by(self, decision: Decision, view: LayerView) -> IntArray:
        """[p] positions, text and visual, that go on; `view.tokens` itself where all do."""
        always = view.layout.total - 1 if self.drops_text else view.layout.text
        stays = np.union1d(decision.kept, always)
        kept = view.tokens[np.isin(view.tokens, stays)]
        return kept if len(kept) < len(view.tokens) else view.tokens

    def then(self, other: "Strategy") -> "Chain":
        """This one, then another one, which sees only what this one keeps."""
        return Chain(self, other)

    def reduced_cache(self, layers: int) -> Sequence[int]:
        """The layers whose KV cache keeps, after the prefill, of the visual tokens only those that
        the last layer saw."""
        return ()

    def tower_layers(self, layers: int) -> tuple[int, ...]:
        """The layers of the vision encoder, of so many, whose attention and features are to be
        recorded while the image is encoded: `LayerView.tower` has them. The encoder of a family
        that cannot be recorded counts as one layer."""
        return ()

    @property
    def vision(self) -> ImageMerger | None:
        """What merges patches while the image is encoded; None: nothing is merged."""
        return None

    @property
    def starts_in_encoder(self) -> bool:
        """Whether the image has to be encoded under it."""
        return self.vision is not None or bool(self.tower_layers(1))

    @property
    def positions(self) -> Positions:
        """Position ids of what stays: as they were, or renumbered."""
        return "keep"


@dataclass(frozen=True)
class Chain(Strategy):
    """One strategy, and another after it: in every layer the second is asked about what the first
    keeps, as if nothing else had ever been in the prompt's layer.

    A number of tokens that it is fitted to is the first one's, before the second takes more.

    Attributes:
        first, second: two strategies, each of which may be a chain.

    Raises:
        InputError: both begin in the vision encoder.
    """

    name = "then"
    summary = "what the first drops, then what the second drops of the rest"

    first: Strategy
    second: Strategy

    def __post_init__(self) -> None:
        if None not in (self.first.vision, self.second.vision):
            raise InputError(
                "Both {first} and {second} begin in the vision encoder, which the image passes "
                "once; leave one's vision stage out.",
                first=self.first.name,
                second=self.second.name,
            )

    def words(self, tokens: float | None = None) -> str:
        return self.first.words(tokens) + THEN + self.second.words()

    def describe(self) -> dict[str, Any]:
        return {"name": self.name, "first": self.first.describe(), "then": self.second.describe()}

    def published(self, layers: int) -> dict[str, Any]:
        first, second = self.first.described(layers), self.second.described(layers)
        return {"first": first, "then": second}

    def check(self, layers: int) -> None:
        self.first.check(layers)
        self.second.check(layers)

    def clamped(self, layers: int, visual: int) -> Self:
        first, second = self.first.clamped(layers, visual), self.second.clamped(layers, visual)
        return replace(self, first=first, second=second)

    def fitted_by(self, trials: Trials, tokens: float, *, nearest: bool = False) -> "Chain":
        return replace(self, first=self.first.fitted_by(trials, tokens, nearest=nearest))

    def needs(self, layers: int) -> dict[int, frozenset[Need]]:
        needs = dict(self.first.needs(layers))
        for layer, more in self.second.needs(layers).items():
            needs[layer] = needs.get(layer, frozenset()) | more
        return needs

    def tower_layers(self, layers: int) -> tuple[int, ...]:
        both = (self.first.tower_layers(layers), self.second.tower_layers(layers))
        return tuple(sorted({*both[0], *both[1]}))

    def decide(self, view: LayerView) -> Decision:
        one = self.first.decide(view)
        rest = replace(view, tokens=self.first.left_by(one, view))
        other = self.second.decide(rest)
        tokens = self.second.left_by(other, rest)
        kept = tokens if self.drops_text else tokens[np.isin(tokens, view.layout.visual)]
        if other.scores:
            return replace(other, kept=kept, judged=rest.alive)
        return replace(one, kept=kept)

    def reduced_cache(self, layers: int) -> tuple[int, ...]:
        return tuple(
            sorted({*self.first.reduced_cache(layers), *self.second.reduced_cache(layers)})
        )

    @property
    def drops_text(self) -> bool:
        return self.first.drops_text or self.second.drops_text

    @property
    def vision(self) -> ImageMerger | None:
        return self.first.vision or self.second.vision

    @property
    def positions(self) -> Positions:
        """Renumbered, where one of the two renumbers."""
        return "repack" if "repack" in (self.first.positions, self.second.positions) else "keep"
