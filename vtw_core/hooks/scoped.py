"""Hooks on a shared model that act in one context only.

A plain torch hook acts on every thread that runs the model. These act only in the context
(PEP 567) that attached them: a plain run of the same model in another thread, at the same time,
is untouched.
"""

import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

from vtw_core.errors import ModelError
from vtw_core.hooks.uncompiled import around, hold, release

Before = Callable[[Any, dict[str, Any]], Any]
After = Callable[[Any, dict[str, Any], Any], None]

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
    """The hooks of one `with context_hooks(...)` block.

    Attributes:
        owner: whose they are.
        has_acted: whether the model ran inside the block.
        passed_by: name of a thread that ran a hooked module outside of every block; None where
            no thread did.
    """

    def __init__(self, owner: object) -> None:
        self.owner = owner
        self.has_acted = False
        self.passed_by: str | None = None
        self.is_removed = False
        self._handles: list[Any] = []
        self._held: list[Any] = []

    def uncompiled(self, model: Any, inner: Any) -> None:
        """Let a module, and all modules that contain it, run uncompiled, so that the hooks inside
        it are called."""
        for module in around(model, inner):
            self._hold(module)

    def _hold(self, module: Any) -> None:
        if not any(module is other for other in self._held) and hold(module):
            self._held.append(module)

    def before(self, module: Any, act: Before) -> None:
        """Run `act(args, kwargs)` ahead of a module; it may return other (args, kwargs)."""

        # Another thread may have listed this hook just before it was removed, and torch then
        # calls it without kwargs; the default keeps that call harmless, since it can only come
        # from a context that is not inside the block.
        def hook(module: Any, args: Any, kwargs: Any = None) -> Any:
            if self in _HERE.get():
                self.has_acted = True
                return act(args, kwargs)
            if not owners_here():
                self.passed_by = threading.current_thread().name
            return None

        self._handles.append(module.register_forward_pre_hook(hook, with_kwargs=True))
        self._hold(module)

    def after(self, module: Any, act: After, *, after_errors: bool = False) -> None:
        """Run `act(args, kwargs, output)` after a module; with `after_errors` also when it failed,
        then with None for the output."""

        def hook(module: Any, args: Any, *rest: Any) -> None:
            if self in _HERE.get():
                act(args, *rest)

        self._handles.append(
            module.register_forward_hook(hook, with_kwargs=True, always_call=after_errors)
        )
        self._hold(module)

    def check_acted(self, block: str) -> None:
        """Warn, once a block is left, if the model did not run inside it.

        Args:
            block: the name of the function that opened it, which is a context manager.

        Raises:
            ModelError: another thread ran it outside of the block meanwhile.
        """
        if self.has_acted:
            return
        if self.passed_by is not None:
            raise ModelError(
                "Nothing ran inside this {block} block, and the thread {thread!r} ran the model "
                "outside of it, where nothing acts on it: a new thread begins outside of every "
                "block. Start it with Thread(target=contextvars.copy_context().run, "
                "args=(model.generate,), kwargs=inputs); in asyncio, use asyncio.to_thread.",
                block=block,
                thread=self.passed_by,
            )
        warnings.warn(
            f"This {block} block ended without a prompt having run inside it, so it did nothing. "
            "Start a thread that is to take part with contextvars.copy_context().run.",
            stacklevel=4,
        )

    def remove(self) -> None:
        """Take all hooks off and let the modules go; safe to call again."""
        self.is_removed = True
        while self._handles:
            self._handles.pop().remove()
        while self._held:
            release(self._held.pop())
