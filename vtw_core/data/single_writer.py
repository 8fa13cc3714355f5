"""Records of processes that hold one model together (tensor parallelism)."""

from typing import Any, Generic

from vtw_core.data.records import R, Store
from vtw_core.machine.processes import rank


class SingleWriter(Generic[R]):
    """A store for processes that hold one model together: process 0 reads and writes it, and all
    of them learn which records are missing, since they must make the same one at the same time."""

    def __init__(self, store: Store[R]) -> None:
        self._store = store
        self.where = store.where

    @property
    def notes(self) -> tuple[str, ...]:
        return self._store.notes

    def __contains__(self, key: str) -> bool:
        import torch.distributed as dist

        answer = [rank() == 0 and key in self._store]
        dist.broadcast_object_list(answer, src=0)
        return answer[0]

    def get(self, key: str) -> R | None:
        return self._store.get(key)

    def put(self, key: str, record: R) -> None:
        if rank() == 0:
            self._store.put(key, record)

    def joined(self, others: Any) -> Store[R]:
        return self
