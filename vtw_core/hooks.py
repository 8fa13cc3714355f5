"""Hooks on a shared model that act in one context only.

A plain torch hook acts on every thread that runs the model. These act only in the context
(PEP 567) that attached them: a plain run of the same model in another thread, at the same time,
is untouched.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

Before = Callable[[Any, dict[str, Any]], Any]
Behind = Callable[[Any, dict[str, Any], Any], None]

_HERE: ContextVar[tuple["ContextHooks", ...]] = ContextVar("vtw_context_hooks", default=())


@contextmanager
def context_hooks(owner: object) -> Iterator["ContextHooks"]:
    """Inside the block, in this context, the hooks that are put on modules act.

    A thread started inside the block has an empty context and runs the plain model; to make it
    take part, run it with `contextvars.copy_context().run`. On leaving the block the hooks are
    removed, whatever happened in it.

    Args:
        owner: whose hooks they are; see `owners_here`.
    """
    hooks = ContextHooks(owner)
    token = _HERE.set((*_HERE.get(), hooks))
    try:
        yield hooks
    finally:
        hooks.remove()
        # A generator that holds this block may be closed from another context than it was
        # entered in. The stale entry there is harmless: its hooks are gone.
        with suppress(ValueError):
            _HERE.reset(token)


def owners_here() -> list[object]:
    """The owners of the blocks that this context is inside of."""
    return [hooks.owner for hooks in _HERE.get() if not hooks.is_removed]


class ContextHooks:
    """The hooks of one `with context_hooks(...)` block."""

    def __init__(self, owner: object) -> None:
        self.owner = owner
        self.is_removed = False
        self._handles: list[Any] = []

    def before(self, module: Any, act: Before) -> None:
        """Run `act(args, kwargs)` ahead of a module; it may return other (args, kwargs)."""

        # Another thread may have listed this hook just before it was removed, and torch then
        # calls it without kwargs; the default keeps that call harmless, since it can only come
        # from a context that is not inside the block.
        def hook(module: Any, args: Any, kwargs: Any = None) -> Any:
            return act(args, kwargs) if self in _HERE.get() else None

        self._handles.append(module.register_forward_pre_hook(hook, with_kwargs=True))

    def behind(self, module: Any, act: Behind, *, after_errors: bool = False) -> None:
        """Run `act(args, kwargs, output)` behind a module, if asked also when it has failed, with
        None for the output."""

        def hook(module: Any, args: Any, *rest: Any) -> None:
            if self in _HERE.get():
                act(args, *rest)

        self._handles.append(
            module.register_forward_hook(hook, with_kwargs=True, always_call=after_errors)
        )

    def remove(self) -> None:
        """Take all hooks off; safe to call again."""
        self.is_removed = True
        while self._handles:
            self._handles.pop().remove()
