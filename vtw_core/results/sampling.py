"""How the next token is chosen from logits: greedily, or drawn with a seed."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol

from vtw_core.errors import InputError
from vtw_core.files.python_numbers import real, whole

if TYPE_CHECKING:
    from torch import Tensor


class Chooser(Protocol):
    """What chooses the next token."""

    @property
    def is_greedy(self) -> bool:
        """Whether the most probable token is always taken."""

    def choose(self, logits: "Tensor", position: int) -> "Tensor":
        """Token ids [...] chosen from logits [..., vocabulary] at one answer position (from 0)."""


@dataclass(frozen=True)
class Forced:
    """A given answer, whatever the logits say (teacher forcing).

    Attributes:
        ids: [T] its tokens.
    """

    ids: tuple[int, ...]
    is_greedy: bool = False

    def choose(self, logits: "Tensor", position: int) -> "Tensor":
        """The given token, for logits [vocabulary] at one answer position (from 0)."""
        return logits.new_tensor(self.ids[position]).long()


@dataclass(frozen=True)
class Sampling:
    """Nucleus sampling by the Gumbel-max rule, with one noise per answer position.

    The noise depends on the seed and the position alone, so that two runs differ only where
    their distributions do: an answer that changes when the image is withdrawn changed because of
    the withdrawal, not by luck.

    Attributes:
        temperature: divides the logits; 0 is greedy and needs no seed.
        top_p: draw from the most probable tokens that together reach this probability.
        seed: of the noise.

    Raises:
        InputError: a value out of range.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("temperature", "top_p"):
            value = getattr(self, name)
            number = real(value)
            if number is None:
                raise InputError(
                    "{name} must be a number, not {value!r:.40}.", name=name, value=value
                )
            object.__setattr__(self, name, number)
        # Below a thousandth the division would overflow.
        if self.temperature != 0 and not 0.001 <= self.temperature <= 10:
            raise InputError(
                "temperature must be 0, or 0.001 to 10, not {value}.", value=self.temperature
            )
        if not 0 < self.top_p <= 1:
            raise InputError("top_p must be above 0 and at most 1, not {value}.", value=self.top_p)
        seed = whole(self.seed)
        if seed is None:
            raise InputError("seed must be a whole number, not {value!r:.40}.", value=self.seed)
        object.__setattr__(self, "seed", seed)
        if not 0 <= self.seed < 2**31:
            raise InputError(
                "seed must be 0 to {most}, not {value}.", most=2**31 - 1, value=self.seed
            )

    @property
    def is_greedy(self) -> bool:
        """Whether the most probable token is always taken."""
        return self.temperature == 0

    def describe(self) -> dict[str, Any]:
        """The parameters, JSON-ready."""
        return asdict(self)

    def choose(self, logits: "Tensor", position: int) -> "Tensor":
        """Token ids [...] chosen from logits [..., vocabulary] at one answer position (from 0)."""
        if self.is_greedy:
            return logits.argmax(-1)
        import torch

        scaled = torch.log_softmax(logits.float() / self.temperature, dim=-1)
        if self.top_p < 1:
            ordered, order = scaled.sort(dim=-1, descending=True)
            probable = ordered.exp()
            # A token stays if those before it have not reached top_p yet; the first always stays.
            out = probable.cumsum(-1) - probable >= self.top_p
            ordered = ordered.masked_fill(out, -torch.inf)
            scaled = torch.empty_like(scaled).scatter(-1, order, ordered)
        generator = torch.Generator().manual_seed(self.seed * 2**31 + position)
        uniform = torch.rand(logits.shape[-1], generator=generator, dtype=torch.float64)
        noise = -torch.log(-torch.log(uniform.clamp(1e-300, 1 - 1e-16)))
        return (scaled + noise.to(scaled)).argmax(-1)


GREEDY = Sampling()
