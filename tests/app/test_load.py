"""A small crowd on the page, and nothing that grows behind it; ``make load`` is the large one."""

import asyncio

import pytest
from gradio.utils import LRUCache
from served_page import served

from app.gradio_internals import keep_few_timings
from app.requests import limits, rates
from app.requests.limits import RunLimits
from app.service.service import Service
from app.words import page as text
from benchmarks.load.crowd import visit_for
from benchmarks.load.leaving import WAYS, seconds_until_free
from benchmarks.load.page import Page, Watch
from benchmarks.load.plateau import growing, objects
from benchmarks.load.questions import direct, drawn

TOKENS = 4


@pytest.fixture(scope="module")
def tiny(tiny_folder, examples_folder):
    service = Service(str(tiny_folder), examples_folder, answer_tokens=TOKENS, limits=RunLimits(0))
    service.load()
    return service


@pytest.fixture(scope="module")
def address(tiny):
    with served(tiny, queue=1, proxies="127.0.0.1") as (address, _):
        yield address


def test_visitors_get_their_own_results_and_the_rest_is_refused(tiny, address):
    vlm = tiny.models.pool.model(tiny.model_name)
    requests = [direct(vlm, number, TOKENS) for number in range(5)]
    assert len({one.prompt for one in requests}) > 1
    seen = asyncio.run(visit_for(address, requests, 8.0, pace=0.1))
    assert seen.wrong == []
    assert seen.ran
    assert len(seen.ran) + seen.left + sum(seen.refused.values()) >= len(requests)
    assert set(seen.refused) <= {text.QUEUE_IS_FULL}
    # That another's result would have been noticed:
    assert requests[0].difference(requests[0].expected) == ""
    assert all(requests[0].difference(other.expected) for other in requests[1:])


@pytest.mark.parametrize("way", WAYS)
def test_who_leaves_in_the_middle_makes_room_for_the_next(tiny, address, way):
    assert asyncio.run(seconds_until_free(address, way)) >= 0
    assert not tiny.models.busy.locked()


@pytest.mark.slow
def test_nothing_grows_when_visitor_follows_visitor(tiny, monkeypatch):
    picture, prompt = drawn(0)

    monkeypatch.setattr(limits, "MOST_KEPT", 2)
    monkeypatch.setattr(rates, "MOST_KEPT", 2)

    async def visits(address):
        """One stays to the end, one leaves in the middle."""
        for ends in (True, False):
            page, watch = Page(address), Watch()
            await page.open()
            await page.upload("picture", "drawing.png", picture)
            page.put("question", prompt)
            running = asyncio.create_task(page.do("run", "click", watch))
            while not (running.done() if ends else watch.events):
                await asyncio.sleep(0.02)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            assert page.value("workbench")["phase"] == ("done" if ends else "running")
            await page.close()

    with served(tiny, sessions=3) as (address, demo):
        keep_few_timings(demo, 2)  # 20 where the page is served
        demo._queue.pending_messages_per_session = LRUCache(2)  # bounded at 2000
        counts = []
        for _ in range(6):
            asyncio.run(visits(address))
            counts.append(objects())
        assert len(demo.app.state_holder.session_data) <= 4
    assert growing(counts[1:]) == {}
