"""Look into, or change, what a model's decoder layers are given, in one context only.

Hooks on a shared model would act on every thread that runs it. These act only in the context
(PEP 567) that attached them: a plain run of the same model in another thread, at the same time,
is untouched.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

Before = Callable[[int, Any, dict[str, Any]], Any]
After = Callable[[int, Any], None]

_ATTACHED: ContextVar[frozenset[object]] = ContextVar("vtw_attached", default=frozenset())


@contextmanager
def layer_hooks(layers: Any, before: Before, after: After | None = None) -> Iterator[None]:
    """Inside the block, in this context, `before` runs ahead of each layer and `after` behind it.

    A thread started inside the block has an empty context and runs the plain model; to make it
    take part, run it with `contextvars.copy_context().run`. On leaving the block the hooks are
    removed, whatever happened in it.

    Args:
        layers: the ModuleList of decoder layers.
        before: (index, args, kwargs) -> None, or the (args, kwargs) to run the layer with.
        after: (index, output).
    """
    key = object()
    token = _ATTACHED.set(_ATTACHED.get() | {key})
    handles = []

    def ahead(index: int) -> Any:
        # Another thread may have listed this hook just before it was removed, and torch then
        # calls it without kwargs; the default keeps that call harmless, since it can only come
        # from a context in which the hook is not attached.
        def hook(module: Any, args: Any, kwargs: Any = None) -> Any:
            return before(index, args, kwargs) if key in _ATTACHED.get() else None

        return hook

    def behind(index: int, act: After) -> Any:
        def hook(module: Any, args: Any, output: Any) -> None:
            if key in _ATTACHED.get():
                act(index, output)

        return hook

    try:
        for index, layer in enumerate(layers):
            handles.append(layer.register_forward_pre_hook(ahead(index), with_kwargs=True))
            if after is not None:
                handles.append(layer.register_forward_hook(behind(index, after)))
        yield
    finally:
        while handles:
            handles.pop().remove()
        # A generator that holds this block may be closed from another context than it was
        # entered in. The stale entry there is harmless: its hooks are gone.
        with suppress(ValueError):
            _ATTACHED.reset(token)
