"""How the page's events are handled: the queue in which each waits, or immediately without one."""

from __future__ import annotations

from typing import Any

# Events of one queue have the same explicit limit: Gradio takes the lowest of a group.
# Questions: one at a time, since one run at a time uses a model.
MODEL_QUEUE: dict[str, Any] = {"concurrency_id": "model", "concurrency_limit": 1}
# Visitors who wait for a model to load; they do not hold up those whose model is in memory.
LOADING_QUEUE: dict[str, Any] = {"concurrency_id": "loading", "concurrency_limit": 16}
# Events that wait for a model and for their turn in one step, and must not hold up questions.
AGAIN_QUEUE: dict[str, Any] = {"concurrency_id": "again", "concurrency_limit": 4}
# Files that a visitor downloads, reports included: two at a time for all visitors together.
FILE_QUEUE: dict[str, Any] = {"concurrency_id": "files", "concurrency_limit": 2}
# Saved runs that a visitor opens: one at a time, since each may expand to much in memory.
OPENING_QUEUE: dict[str, Any] = {"concurrency_id": "opening", "concurrency_limit": 1}
# Events that decode a picture just uploaded: each may take some hundred megabytes.
PICTURE_QUEUE: dict[str, Any] = {"concurrency_id": "picture", "concurrency_limit": 1}
# Queues whose events run a model, and those plus the queue for loading: `app.requests.limits`
# counts them. A load is usually followed by a run, so it counts as waiting and not as one more run.
# Everything else in the queue is counted separately.
RUN_QUEUES = frozenset(each["concurrency_id"] for each in (MODEL_QUEUE, AGAIN_QUEUE))
WAIT_QUEUES = RUN_QUEUES | {LOADING_QUEUE["concurrency_id"]}
_IMMEDIATE: dict[str, Any] = {
    "queue": False,
    "show_progress": "hidden",
    "api_visibility": "private",
}
# Every other event is answered immediately, without a spinner, and is hidden from the API page. An
# event that occurs while the same event is still being handled must not be lost on a slow server.
# For a handler that reads components, one more call at the end is enough. A handler that reads the
# event itself is called for each one: the browser would send the first one again. For their order
# see `app/components/in_order.js`.
IMMEDIATE = {**_IMMEDIATE, "trigger_mode": "always_last"}
IMMEDIATE_EACH = {**_IMMEDIATE, "trigger_mode": "multiple"}
# A button that starts a run: a second click while the run is starting is ignored.
IMMEDIATE_ONCE = {**_IMMEDIATE, "trigger_mode": "once"}
