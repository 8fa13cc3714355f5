"""How often a visitor may run the model, and how many of his runs may wait."""

import asyncio
import threading
from types import SimpleNamespace

import httpx
import pytest
from served_page import served

from app import limits, text_faults
from app.limits import ADDRESS_RUNS, RunLimits, Starts, addresses_are_visitors
from app.service import Service
from benchmarks.load.page import Page, Refused, Watch
from vtw_core.events import Progress


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_so_many_runs_in_any_minute(clock):
    starts = Starts(2, clock)
    waited = []
    for second in (0, 10, 20, 59, 60, 61, 70):
        clock.now = 1000 + second
        waited.append(starts.seconds_to_wait("a"))
        if not waited[-1]:
            starts.add("a")
    assert waited == [0, 0, 40, 1, 0, 9, 0]
    assert starts.seconds_to_wait("b") == 0


def test_zero_is_no_limit_and_remembers_nobody(clock):
    starts = Starts(0, clock)
    for _ in range(100):
        assert starts.seconds_to_wait("a") == 0
        starts.add("a")
    assert len(starts) == 0


def test_what_is_remembered_is_bounded(clock, monkeypatch):
    monkeypatch.setattr(limits, "MOST_KEPT", 3)
    rules = RunLimits(1, clock=clock)
    for number in range(10):
        rules.sessions.add(str(number))
        rules._remember(str(number), "no")
    assert len(rules.sessions) == len(rules._refused) == 3
    assert rules.sessions.seconds_to_wait("9") == 60
    assert rules.sessions.seconds_to_wait("0") == 0


def test_an_address_may_begin_more_than_one_visitor_and_not_any_number(clock):
    rules = RunLimits(1, clock=clock)
    for number in range(ADDRESS_RUNS):
        assert rules.refusal(str(number), "10.0.0.1", [], 32) is None
        rules.sessions.add(str(number))
        rules.addresses.add("10.0.0.1")
    refusal = rules.refusal("another", "10.0.0.1", [], 32)
    assert refusal.why == text_faults.TOO_OFTEN_HERE.format(most=ADDRESS_RUNS, seconds=60)
    assert rules.refusal("another", "10.0.0.2", [], 32) is None
    assert rules.refusal("0", "10.0.0.2", [], 32).seconds == 60


def test_one_visitor_and_one_address_leave_room_in_the_queue():
    rules = RunLimits(waiting=2)
    mine = [("a", "10.0.0.1")] * 2
    assert rules.refusal("a", "10.0.0.1", mine, 32).why == text_faults.TOO_MANY_WAIT.format(most=2)
    assert rules.refusal("b", "10.0.0.1", mine, 32) is None
    many = [(str(number), "10.0.0.1") for number in range(24)]
    assert rules.refusal("b", "10.0.0.1", many, 32).why == text_faults.ADDRESS_WAITS
    assert rules.refusal("b", "10.0.0.2", many, 32) is None
    assert rules.refusal("b", "10.0.0.1", many, None) is None


def test_behind_a_proxy_that_hides_the_visitors_no_address_counts():
    rules = RunLimits(1, knows_addresses=False)
    for _ in range(100):
        rules.addresses.add("10.0.0.1")
    many = [(str(number), "10.0.0.1") for number in range(31)]
    assert rules.refusal("b", "10.0.0.1", many, 32) is None
    assert addresses_are_visitors({})
    assert not addresses_are_visitors({"SPACE_ID": "somebody/vtw"})
    assert addresses_are_visitors({"SPACE_ID": "somebody/vtw", "FORWARDED_ALLOW_IPS": "10.0.0.0/8"})


@pytest.mark.parametrize(("host", "network"), [
    ("10.0.0.1", "10.0.0.1"), ("2001:db8:0:1::2", "2001:db8:0:1::/64"),
    ("2001:db8:0:1:ffff::", "2001:db8:0:1::/64"), ("::ffff:10.0.0.1", "10.0.0.1"),
    ("x" * 5000, "x" * 100), ("", ""),
])  # fmt: skip
def test_a_household_is_one_address(host, network):
    assert limits._network(SimpleNamespace(client=SimpleNamespace(host=host))) == network
    assert limits._network(SimpleNamespace(client=None)) == ""


class HeldService(Service):
    """Its runs end when they are let go."""

    def __init__(self, examples_folder, rules):
        super().__init__("nobody", examples_folder, limits=rules)
        self.let_go = threading.Event()

    def loading(self, model):
        yield from ()

    def explore(self, image, prompt, model):
        yield Progress(0, 10, "image encoded")
        while not self.let_go.wait(0.05):
            yield Progress(0, 10, "image encoded")
        raise limits_reached()

    def generate(self, image, prompt, method, answer_tokens, model):
        raise limits_reached()


def limits_reached():
    from vtw_core.errors import InputError

    return InputError("It ran.")


def notice(page):
    return page.value("workbench")["notice"]["text"]


async def ran(page):
    """What the page says behind a run, and the status and sentence that refused it, if any."""
    try:
        await page.do("run", "click")
    except Refused as refused:
        return notice(page), refused.status, refused.words
    return notice(page), 200, ""


def test_the_page_says_when_to_come_again_in_both_languages(examples_folder):
    service = HeldService(examples_folder, RunLimits(2))
    service.let_go.set()

    async def visit(address):
        first, second = Page(address), Page(address)
        await first.open()
        await second.open()
        told = [await ran(first) for _ in range(3)]
        others = await ran(second)
        await first.close()
        await second.close()
        return told, others

    with served(service) as (address, demo):
        (*taken, refused), others = asyncio.run(visit(address))
        assert taken == [("It ran.", 200, "")] * 2
        assert others == ("It ran.", 200, "")
        said, status, words = refused
        assert said == words
        assert words.startswith("You may start 2 runs a minute: come again in ")
        assert status == 429
        # Another way to the same session, on the Chinese page.
        session = next(iter(service.limits.sessions._times))
        chinese = next(at for at, fn in demo.fns.items()
                       if fn.page == "zh" and fn.concurrency_id == "model")  # fmt: skip
        body = {"data": [], "fn_index": chinese, "session_hash": session}
        answer = httpx.post(f"{address}/gradio_api/queue/join", json=body)
        assert answer.status_code == 429
        assert 0 < int(answer.headers["retry-after"]) <= 60
        assert answer.json()["detail"].startswith("每分钟最多可开始 2 次运行")
        # What does not run the model is no run.
        glue = {**body, "fn_index": next(at for at, fn in demo.fns.items() if not fn.queue)}
        assert httpx.post(f"{address}/gradio_api/queue/join", json=glue).status_code == 200


def test_only_so_many_of_one_visitor_wait_and_a_full_queue_is_still_said(examples_folder):
    service = HeldService(examples_folder, RunLimits(0, waiting=1))

    async def visit(address):
        pages = [Page(address, f"10.0.0.{number}") for number in range(3)]
        watches = [Watch() for _ in pages]
        tasks = []
        for page, watch in zip(pages[:2], watches, strict=False):
            await page.open()
            tasks.append(asyncio.create_task(page.do("run", "click", watch)))
            while not (watch.events if page is pages[0] else watch.joined):
                await asyncio.sleep(0.05)
        again = Page(address, "10.0.0.1")
        await again.open()
        again.session = pages[1].session
        told = [await ran(again)]
        await pages[2].open()
        told.append(await ran(pages[2]))
        service.let_go.set()
        await asyncio.gather(*tasks)
        told.append(await ran(pages[2]))
        for page in (*pages, again):
            await page.close()
        return told

    with served(service, queue=1) as (address, _):
        mine, full, later = asyncio.run(visit(address))
    assert mine[0] == mine[2] == text_faults.TOO_MANY_WAIT.format(most=1)
    assert full[0] == "Too many visitors are waiting: try again in a minute."
    assert full[1] == 503
    assert later == ("It ran.", 200, "")


@pytest.mark.parametrize(("trusted", "refused"), [("127.0.0.1", False), ("192.0.2.1", True)])
def test_a_forged_address_is_believed_of_a_trusted_proxy_alone(
    examples_folder, monkeypatch, trusted, refused
):
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", trusted)
    service = HeldService(examples_folder, RunLimits(1))
    with served(service) as (address, _):
        answers = [
            httpx.post(
                f"{address}/gradio_api/call/generate", json={"data": [None, "what ?", "none", 1]},
                headers={"X-Forwarded-For": f"198.51.100.{number}"},
            )
            for number in range(ADDRESS_RUNS + 1)
        ]  # fmt: skip
    assert [one.status_code for one in answers[:-1]] == [200] * ADDRESS_RUNS
    assert (answers[-1].status_code == 429) == refused
    if refused:
        assert answers[-1].json()["detail"].startswith("From your network address 10 runs a minute")
