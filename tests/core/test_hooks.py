"""Hooks that act in one context and leave nothing behind."""

import contextvars
import threading

import pytest
import torch

from vtw_core.hooks.scoped import context_hooks, owners_here


@pytest.fixture
def module():
    return torch.nn.Linear(2, 2)


def run(module):
    return module(torch.zeros(1, 2))


def test_they_act_inside_the_block_alone(module):
    seen = []
    with context_hooks("me") as hooks:
        hooks.before(module, lambda args, kwargs: seen.append("before"))
        hooks.after(module, lambda args, kwargs, output: seen.append("after"))
        run(module)
    assert seen == ["before", "after"]
    run(module)
    assert seen == ["before", "after"]


def test_before_may_change_the_input(module):
    with context_hooks("me") as hooks:
        hooks.before(module, lambda args, kwargs: ((args[0] + 1,), kwargs))
        changed = run(module)
    assert torch.equal(changed, module(torch.ones(1, 2)))


def test_another_thread_is_not_seen_unless_it_takes_the_context_along(module):
    seen = []

    def in_thread(target, *args):
        thread = threading.Thread(target=target, args=args)
        thread.start()
        thread.join()

    with context_hooks("me") as hooks:
        hooks.before(module, lambda *call: seen.append(threading.get_ident()))
        in_thread(run, module)
        assert seen == []
        in_thread(contextvars.copy_context().run, run, module)
        assert len(seen) == 1


def test_they_are_removed_after_an_error(module):
    def fail():
        with context_hooks("me") as hooks:
            hooks.before(module, lambda *call: 1 / 0)
            run(module)

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not module._forward_pre_hooks
    assert owners_here() == []


def test_blocks_nest_and_know_their_owners(module):
    seen = []
    with context_hooks("outer") as outer, context_hooks("inner") as inner:
        outer.before(module, lambda *call: seen.append("outer"))
        inner.before(module, lambda *call: seen.append("inner"))
        assert owners_here() == ["outer", "inner"]
        run(module)
    assert seen == ["outer", "inner"]


def test_a_generator_closed_in_another_thread_leaves_nothing(module):
    def hold():
        with context_hooks("me") as hooks:
            hooks.before(module, lambda *call: None)
            yield

    held = hold()
    next(held)
    thread = threading.Thread(target=held.close)
    thread.start()
    thread.join()
    assert not module._forward_pre_hooks
    assert owners_here() == []
