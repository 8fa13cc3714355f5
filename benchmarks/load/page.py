"""The page as a visitor's browser uses it, without a browser: its events and what follows them.

The page's own configuration says which function an event calls, with which components, and which
events follow it; this follows it as Gradio's frontend does, streams included.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx

_CONFIG = re.compile(r"window\.gradio_config = (\{.*?\});\s*</script>", re.S)
_WAIT = httpx.Timeout(120, connect=30)


class Refused(Exception):
    """The server did not take a run: the status of its answer, and its sentence."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(f"{status}: {words}")
        self.status, self.words = status, words


@dataclass
class Layout:
    """What the configuration says: components by id, functions by id."""

    components: dict[int, dict[str, Any]]
    functions: dict[int, dict[str, Any]]

    @classmethod
    def of(cls, config: dict[str, Any]) -> Layout:
        return cls(
            {one["id"]: one for one in config["components"]},
            {one["id"]: one for one in config["dependencies"]},
        )

    def part(self, elem_id: str) -> int:
        """The component of that elem_id, on the page in the first language."""
        return next(
            at for at, one in self.components.items() if one["props"].get("elem_id") == elem_id
        )

    def called_by(self, elem_id: str, event: str) -> dict[str, Any]:
        """The function that an event of a component calls."""
        target = [self.part(elem_id), event]
        return next(
            one for one in self.functions.values()
            if target in [list(target) for target in one["targets"]]
        )  # fmt: skip

    def following(self, function: int, *, went_well: bool) -> list[dict[str, Any]]:
        """The server's functions that run after one, also after a step in the browser, which
        always succeeds."""
        unwanted = "trigger_only_on_failure" if went_well else "trigger_only_on_success"
        found: list[dict[str, Any]] = []
        for one in self.functions.values():
            if one["trigger_after"] != function or one[unwanted]:
                continue
            if one["backend_fn"]:
                found.append(one)
            else:
                found.extend(self.following(one["id"], went_well=True))
        return found


@dataclass
class Watch:
    """When what happened to a run, in seconds of `time.perf_counter`; None: not yet."""

    requested: float = field(default_factory=time.perf_counter)
    started: float | None = None
    working: float | None = None
    ended: float | None = None
    events: int = 0
    joined: bool = False


class Page:
    """One opened page, which is one session of the server.

    Args:
        address: of the server.
        network: the visitor's own network address, as a proxy on this machine would report it.
    """

    def __init__(self, address: str, network: str = "127.0.0.1") -> None:
        self.http = httpx.AsyncClient(
            base_url=address, timeout=_WAIT, headers={"X-Forwarded-For": network},
            # The server closes a connection that was idle for 5 s; a browser would connect again.
            limits=httpx.Limits(keepalive_expiry=2),
        )  # fmt: skip
        self.session = uuid.uuid4().hex[:12]
        self.values: dict[int, Any] = {}
        self._running: tuple[int, str] | None = None

    async def open(self) -> None:
        """Load the page from its HTML."""
        found = _CONFIG.search((await self.http.get("/")).text)
        if found is None:
            raise RuntimeError("the page has no configuration in it")
        self.layout = Layout.of(json.loads(found[1]))
        self.values = {at: one["props"].get("value") for at, one in self.layout.components.items()}

    async def close(self) -> None:
        """Leave: every stream breaks off."""
        await self.http.aclose()

    def value(self, elem_id: str) -> Any:
        """What a component shows."""
        return self.values[self.layout.part(elem_id)]

    def put(self, elem_id: str, value: Any) -> None:
        """What a visitor types or chooses."""
        self.values[self.layout.part(elem_id)] = value

    async def upload(self, elem_id: str, name: str, data: bytes) -> None:
        """Put a file into a component."""
        answer = await self.http.post("/gradio_api/upload", files={"files": (name, data)})
        if answer.status_code != 200:
            raise Refused(answer.status_code, _words(answer))
        file = {"path": answer.json()[0], "meta": {"_type": "gradio.FileData"}, "orig_name": name}
        self.put(elem_id, file)

    async def do(self, elem_id: str, event: str, watch: Watch | None = None) -> None:
        """What an event of a component sets off, to the end of all that follows it.

        Raises:
            Refused: a run was not taken; what follows a failure has been done.
        """
        await self._call(self.layout.called_by(elem_id, event), watch or Watch())

    async def cancel(self) -> None:
        """What pressing Cancel does to the run in progress."""
        if self._running is None:
            raise RuntimeError("nothing runs")
        function, event = self._running
        body = {"session_hash": self.session, "fn_index": function, "event_id": event}
        (await self.http.post("/gradio_api/cancel", json=body)).raise_for_status()

    async def _call(self, function: dict[str, Any], watch: Watch) -> None:
        refused: Refused | None = None
        try:
            outputs = await (self._queued if function["queue"] else self._at_once)(function, watch)
        except Refused as problem:
            refused, outputs = problem, None
        if outputs is not None:
            self._take(function["outputs"], outputs)
        for following in self.layout.following(function["id"], went_well=outputs is not None):
            await self._call(following, watch)
        if refused is not None:
            raise refused

    def _body(self, function: dict[str, Any]) -> dict[str, Any]:
        return {
            "fn_index": function["id"], "session_hash": self.session, "event_data": None,
            "data": [self.values[at] for at in function["inputs"]],
        }  # fmt: skip

    async def _at_once(self, function: dict[str, Any], watch: Watch) -> list[Any]:
        answer = await self.http.post("/gradio_api/run/predict", json=self._body(function))
        if answer.status_code != 200:
            raise Refused(answer.status_code, _words(answer))
        data: list[Any] = answer.json()["data"]
        return data

    async def _queued(self, function: dict[str, Any], watch: Watch) -> list[Any] | None:
        joined = await self.http.post("/gradio_api/queue/join", json=self._body(function))
        if joined.status_code != 200:
            raise Refused(joined.status_code, _words(joined))
        # Waiting for a model is a step of its own that does not count as the run.
        following = self.layout.following(function["id"], went_well=True)
        if any(one["queue"] for one in following):
            watch = Watch()
        watch.joined = True
        self._running = function["id"], joined.json()["event_id"]
        query = {"session_hash": self.session}
        async with self.http.stream("GET", "/gradio_api/queue/data", params=query) as stream:
            async for line in stream.aiter_lines():
                if not line:
                    continue
                message = json.loads(line.removeprefix("data:"))
                if message["msg"] == "process_starts":
                    watch.started = time.perf_counter()
                elif message["msg"] == "process_generating":
                    watch.events += 1
                    # The first event says that the run starts; the second comes from the model.
                    if watch.events == 2:
                        watch.working = time.perf_counter()
                elif message["msg"] == "process_completed":
                    watch.ended = time.perf_counter()
                    if not message["success"]:
                        raise Refused(500, str(message["output"].get("error")))
                    outputs: list[Any] = message["output"]["data"]
                    return outputs
                elif message["msg"] == "unexpected_error":
                    raise Refused(500, message["message"])
        raise Refused(500, "the stream ended")

    def _take(self, outputs: list[int], values: list[Any]) -> None:
        for at, value in zip(outputs, values, strict=False):
            if isinstance(value, dict) and value.get("__type__") == "update":
                if "value" in value:
                    self.values[at] = value["value"]
            else:
                self.values[at] = value


def _words(answer: httpx.Response) -> str:
    try:
        document = answer.json()
    except ValueError:
        return answer.text[:200]
    return str(document.get("detail") or document.get("error"))
