"""Run modules uncompiled for a while.

What `torch.compile` made of a model before ignores hooks that are put on it later, and runs
as if they were not there (PyTorch leaves their guards out). So the modules that are hooked, and
those around them, run in plain Python meanwhile: each gets a forward of its own, which compiled
code does guard on and which is never compiled itself. What was compiled is as before once
they are released.
"""

import inspect
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from types import MethodType
from typing import Any

_LOCK = threading.Lock()
_HELD = "_vtw_held"
_REASON = "inside a block of vtw_core the model runs uncompiled"
# What compiling puts on a module itself: `module.forward = torch.compile(...)`, `.compile()`.
_REPLACED = ("forward", "_compiled_call_impl")


@dataclass
class _Held:
    """What a held module runs, what of `_REPLACED` it had of its own, and how often it is held."""

    forward: Callable[..., Any]
    before: dict[str, Any]
    count: int = 0


def hold(module: Any) -> bool:
    """Let a module run uncompiled, in every thread, until it is released as often; returns whether
    there is anything to release."""
    # Without it nothing was compiled, and importing it takes a second.
    if "torch._dynamo" not in sys.modules:
        return False
    own = module.__dict__
    with _LOCK:
        if _HELD not in own:
            before = {name: own[name] for name in _REPLACED if name in own}
            own[_HELD] = _Held(_innermost(module.forward), before)
            own["forward"] = MethodType(_plain_forward(module.__class__), module)
            own["_compiled_call_impl"] = None
        own[_HELD].count += 1
    return True


def release(module: Any) -> None:
    """Undo one `hold`."""
    own = module.__dict__
    with _LOCK:
        held = own[_HELD]
        held.count -= 1
        if not held.count:
            for name in (_HELD, *_REPLACED):
                own.pop(name, None)
            own.update(held.before)


@contextmanager
def uncompiled(module: Any) -> Iterator[None]:
    """Inside the block, a module runs uncompiled."""
    held = hold(module)
    try:
        yield
    finally:
        if held:
            release(module)


def around(model: Any, inner: Any) -> list[Any]:
    """The modules of a model that contain one of its modules, the model first, and itself."""
    path = next(name for name, module in model.named_modules() if module is inner).split(".")
    return [model, *(model.get_submodule(".".join(path[:n])) for n in range(1, len(path) + 1))]


def _innermost(forward: Callable[..., Any]) -> Callable[..., Any]:
    """What `torch.compile` was given, where `forward` is what it made of it."""
    while hasattr(forward, "_torchdynamo_orig_callable"):
        forward = forward._torchdynamo_orig_callable
    return forward


@cache
def _plain_forward(kind: type) -> Callable[..., Any]:
    """One function for all modules of a kind and all blocks: compiled code around it guards on it,
    and would be compiled again for another one."""
    import torch

    def forward(module: Any, *args: Any, **kwargs: Any) -> Any:
        held = module.__dict__.get(_HELD)
        if held is None:  # another thread was about to call it when it was released
            return module.forward(*args, **kwargs)
        return held.forward(*args, **kwargs)

    forward.__signature__ = inspect.signature(kind.forward)  # type: ignore[attr-defined]
    plain: Callable[..., Any] = torch.compiler.disable(forward, reason=_REASON)
    return plain
