"""How often a visitor may run the model, and how many of his runs may wait."""

import asyncio
import threading
from types import SimpleNamespace

import httpx
import pytest
from served_page import served

from app.requests import limits, rates
from app.requests.limits import ADDRESS_RUNS, RunLimits, Waiting
from app.requests.rates import Quota, Starts
from app.requests.visitors import Networks, trusted_proxies
from app.service.service import Service
from app.words import faults as text_faults
from benchmarks.load.page import Page, Refused, Watch
from vtw_core.errors import InputError
from vtw_core.results.events import Progress


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
    monkeypatch.setattr(rates, "MOST_KEPT", 3)
    rules, quota = RunLimits(1, clock=clock), Quota(10, clock)
    for number in range(10):
        rules.sessions.add(str(number))
        quota.add(str(number), 1)
        rules._remember(str(number), "no")
    assert len(rules.sessions) == len(rules._refused) == len(quota) == 3
    assert rules.sessions.seconds_to_wait("9") == 60
    assert rules.sessions.seconds_to_wait("0") == 0


def run(session, address="10.0.0.1"):
    return Waiting(session, address, is_of_model=True)


def file(session, address="10.0.0.1"):
    return Waiting(session, address, is_of_model=False)


def test_an_address_may_begin_more_than_one_visitor_and_not_any_number(clock):
    rules = RunLimits(1, clock=clock)
    for number in range(ADDRESS_RUNS):
        assert rules.refusal(run(str(number)), [], 32) is None
        rules.sessions.add(str(number))
        rules.addresses.add("10.0.0.1")
    refusal = rules.refusal(run("another"), [], 32)
    assert refusal.why == text_faults.TOO_OFTEN_HERE.format(most=ADDRESS_RUNS, seconds=60)
    assert rules.refusal(run("another", "10.0.0.2"), [], 32) is None
    assert rules.refusal(run("0", "10.0.0.2"), [], 32).seconds == 60
    # What is no run is counted apart, and as strictly.
    assert rules.refusal(file("another"), [], 32) is None
    rules.files.add("0")
    assert rules.refusal(file("0"), [], 32).why == text_faults.FILES_TOO_OFTEN.format(
        most=1, seconds=60
    )


def test_one_visitor_and_one_address_leave_room_in_the_queue():
    rules = RunLimits(waiting=2)
    mine = [run("a")] * 2
    assert rules.refusal(run("a"), mine, 32).why == text_faults.TOO_MANY_WAIT.format(most=2)
    assert rules.refusal(file("a"), mine, 32) is None
    assert rules.refusal(file("a"), [file("a")] * 2, 32).why == (
        text_faults.TOO_MANY_FILES_WAIT.format(most=2)
    )
    assert rules.refusal(run("b"), mine, 32) is None
    many = [(run, file)[number % 2](str(number)) for number in range(24)]
    assert rules.refusal(run("b"), many, 32).why == text_faults.ADDRESS_WAITS
    assert rules.refusal(file("b"), many, 32).why == text_faults.ADDRESS_WAITS
    assert rules.refusal(run("b", "10.0.0.2"), many, 32) is None
    assert rules.refusal(run("b"), many, None) is None


def test_behind_a_proxy_that_hides_the_visitors_no_address_counts():
    rules = RunLimits(1, networks=Networks.behind("10.0.0.0/8"))
    hidden = rules.networks.of_host("10.0.0.1")
    assert hidden == ""
    assert rules.networks.of_host("198.51.100.1") == "198.51.100.1"
    many = [run(str(number), hidden) for number in range(31)]
    assert rules.refusal(run("b", hidden), many, 32) is None


@pytest.mark.parametrize(("told", "believed"), [
    ({}, ""), ({"FORWARDED_ALLOW_IPS": " "}, ""),
    ({"FORWARDED_ALLOW_IPS": "127.0.0.1, 10.1.2.3/8"}, "127.0.0.1/32,10.0.0.0/8"),
    ({"SPACE_ID": "somebody/vtw", "FORWARDED_ALLOW_IPS": ""}, ""),
])  # fmt: skip
def test_nobody_is_believed_unless_whoever_runs_the_page_says_so(told, believed):
    assert trusted_proxies(told) == believed


def test_on_spaces_their_proxies_are_believed_and_nobody_else():
    networks = Networks.behind(trusted_proxies({"SPACE_ID": "somebody/vtw"}))
    assert {networks.of_host(one) for one in ("127.0.0.1", "10.16.3.4", "::ffff:10.1.1.1")} == {""}
    assert networks.of_host("203.0.113.9") == "203.0.113.9"


@pytest.mark.parametrize("told", ["*", "nginx", "10.0.0.0/40", "127.0.0.1;10.0.0.1"])
def test_what_names_no_proxy_is_refused_at_the_start(told):
    """uvicorn would believe everybody for a star, and take a visitor's own word for his address."""
    with pytest.raises(InputError, match="FORWARDED_ALLOW_IPS must be addresses or networks"):
        trusted_proxies({"FORWARDED_ALLOW_IPS": told})


@pytest.mark.parametrize(("host", "network"), [
    ("10.0.0.1", "10.0.0.1"), ("2001:db8:0:1::2", "2001:db8:0:1::/64"),
    ("2001:db8:0:1:ffff::", "2001:db8:0:1::/64"), ("::ffff:10.0.0.1", "10.0.0.1"),
    ("x" * 5000, "x" * 100), ("", ""),
])  # fmt: skip
def test_a_household_is_one_address(host, network):
    assert Networks().of(SimpleNamespace(client=SimpleNamespace(host=host))) == network
    assert Networks().of(SimpleNamespace(client=None)) == ""


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
        assert words.startswith("You may start 2 runs a minute: try again in ")
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
        # What does not run the model is no run, and is counted for itself.
        glue = {**body, "fn_index": next(at for at, fn in demo.fns.items() if not fn.queue)}
        statuses = [
            httpx.post(f"{address}/gradio_api/queue/join", json=glue).status_code for _ in range(3)
        ]
        assert statuses == [200, 200, 429]


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

    with served(service, queue=1, proxies="127.0.0.1") as (address, _):
        mine, full, later = asyncio.run(visit(address))
    assert mine[0] == mine[2] == text_faults.TOO_MANY_WAIT.format(most=1)
    assert full[0] == "Too many visitors are waiting: try again in a minute."
    assert full[1] == 503
    assert later == ("It ran.", 200, "")


def runs_forwarded(address, told):
    """The answers to one run more than an address may start, as a proxy passes them on."""
    return [
        httpx.post(
            f"{address}/gradio_api/call/generate", json={"data": [None, "what ?", "none", 1]},
            headers={"X-Forwarded-For": told.format(number=number)},
        )
        for number in range(ADDRESS_RUNS + 1)
    ]  # fmt: skip


@pytest.mark.parametrize("trusted", ["192.0.2.1", ""])
def test_a_forged_address_is_not_believed(examples_folder, trusted):
    service = HeldService(examples_folder, RunLimits(1))
    with served(service, proxies=trusted) as (address, _):
        *taken, last = runs_forwarded(address, "198.51.100.{number}")
    assert [one.status_code for one in taken] == [200] * ADDRESS_RUNS
    assert last.status_code == 429
    assert last.json()["detail"].startswith("Your network address may start 10 runs a minute")


def test_a_trusted_proxy_is_believed_and_what_a_visitor_writes_before_it_is_not(examples_folder):
    """The proxy appends; only what it wrote, the last, counts."""
    service = HeldService(examples_folder, RunLimits(1))
    with served(service, proxies="127.0.0.1") as (address, _):
        of_many = runs_forwarded(address, "198.51.100.{number}")
        of_one = runs_forwarded(address, "198.51.100.{number}, 203.0.113.9")
    assert [one.status_code for one in of_many] == [200] * (ADDRESS_RUNS + 1)
    assert [one.status_code for one in of_one] == [200] * ADDRESS_RUNS + [429]


def test_files_and_reports_of_one_visitor_do_not_fill_the_queue(examples_folder, monkeypatch):
    """All that waits counts, whatever it is: a report as well as a run."""
    held = threading.Event()

    def write_report(visitor):
        held.wait(30)

    monkeypatch.setattr("app.tabs.every_k.write_report", write_report)
    service = HeldService(examples_folder, RunLimits(0, waiting=2))

    def join(address, demo, session, at=1):
        function = next(i for i, fn in demo.fns.items() if fn.api_name == "write_report")
        body = {"data": [None], "fn_index": function, "session_hash": session}
        return httpx.post(
            f"{address}/gradio_api/queue/join", json=body,
            headers={"X-Forwarded-For": f"10.0.0.{at}"},
        )  # fmt: skip

    with served(service, queue=8, proxies="127.0.0.1") as (address, demo):
        try:
            own = [join(address, demo, "a") for _ in range(3)]
            many = [join(address, demo, f"b{number}") for number in range(8)]
            other = join(address, demo, "c", at=2)
        finally:
            held.set()
    assert [one.status_code for one in own] == [200, 200, 429]
    assert own[-1].json()["detail"] == text_faults.TOO_MANY_FILES_WAIT.format(most=2)
    assert [one.status_code for one in many] == [200] * 4 + [429] * 4
    assert many[-1].json()["detail"] == text_faults.ADDRESS_WAITS
    assert other.status_code == 200
