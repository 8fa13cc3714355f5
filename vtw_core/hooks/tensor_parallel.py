"""Models that several processes hold together, each some heads of every layer (torchrun).

transformers splits the weights and adds the processes' parts up after every layer, so that hidden
states and logits are whole in each process, and withdrawal needs nothing more. Only code that looks
at single heads must know: a mean over the heads is a sum over the processes.
"""

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from vtw_core.errors import InputError, ModelError
from vtw_core.machine.processes import size


def split_over_processes() -> Any:
    """What `from_pretrained(distributed_config=...)` takes to split a model over all processes.

    Raises:
        InputError: there is only one.
    """
    if size() == 1:
        raise InputError(
            "Tensor parallelism needs several processes: start it with torchrun "
            "--nproc_per_node N -m vtw_core ... --tensor-parallel."
        )
    from transformers.distributed import DistributedConfig

    return DistributedConfig(tp_plan="auto", tp_size=size())


def is_split(model: Any) -> bool:
    """Whether this process holds only some heads of a model."""
    return (getattr(model, "tp_size", None) or 1) > 1


def refuse_split(model: Any) -> None:
    """Raise ModelError where single heads are looked at and only some are here."""
    if is_split(model):
        raise ModelError(
            "What happens inside is recorded of models in one piece, since each process has only "
            "some heads of a tensor-parallel one; leave --tensor-parallel out (a device map "
            "spreads a model over GPUs layer by layer)."
        )


@dataclass(frozen=True)
class Heads:
    """The attention heads of a model, of which this process may have only some.

    Attributes:
        group: the processes that have the others; None for a model in one piece.
        total: how many there are in all processes; 0 for a model in one piece.
    """

    group: Any = None
    total: int = 0

    @classmethod
    def of(cls, model: Any) -> "Heads":
        """Those of a model's decoder."""
        if not is_split(model):
            return cls()
        text = model.config.get_text_config(decoder=True)
        return cls(model._device_mesh["tp"].get_group(), text.num_attention_heads)

    def count(self, here: int) -> int:
        """How many there are in all processes, with `here` in this one."""
        return self.total or here

    def mean(self, weights: Tensor) -> Tensor:
        """[b, heads here, ...] -> [b, ...], mean over all heads, the same in every process."""
        if self.group is None:
            return weights.mean(1)
        import torch.distributed as dist

        summed = weights.sum(1)
        dist.all_reduce(summed, group=self.group)
        return summed / self.total
