"""How the page's events are sent: in which queue they wait, none for what is answered at once."""

from __future__ import annotations

from typing import Any

# Events of one queue have the same explicit limit: Gradio takes the lowest of a group.
# Questions: one at a time, since one run at a time uses a model.
MODEL_QUEUE: dict[str, Any] = {"concurrency_id": "model", "concurrency_limit": 1}
# Who waits for a model to be loaded, which takes nothing from those whose model is there.
LOADING_QUEUE: dict[str, Any] = {"concurrency_id": "loading", "concurrency_limit": 16}
# What may have to wait for a model and for its turn in one step, and must not hold up questions.
AGAIN_QUEUE: dict[str, Any] = {"concurrency_id": "again", "concurrency_limit": 4}
# Files that a visitor takes away, a report among them: two at a time for all visitors together.
FILE_QUEUE: dict[str, Any] = {"concurrency_id": "files", "concurrency_limit": 2}
# Files that a visitor brings: one at a time, since each may expand to much in memory.
OPENING_QUEUE: dict[str, Any] = {"concurrency_id": "opening", "concurrency_limit": 1}
# What decodes a picture that was just uploaded: each may take some hundred megabytes.
PICTURE_QUEUE: dict[str, Any] = {"concurrency_id": "picture", "concurrency_limit": 1}
# Whose events run a model, and with those who wait for one: what `app.requests.limits` counts.
# After a load comes a run, as a rule, so it counts as one that waits and not as one more. Whatever
# else goes through the queue is counted apart.
RUN_QUEUES = frozenset(each["concurrency_id"] for each in (MODEL_QUEUE, AGAIN_QUEUE))
WAIT_QUEUES = RUN_QUEUES | {LOADING_QUEUE["concurrency_id"]}
_GLUE: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
# Everything else is glue: answered at once, no spinner, hidden from the API page. What happens
# while the same event is still being answered must not be lost on a slow server. Where a handler
# reads components, once more at the end is enough. What reads the event itself is told of each
# one: the browser would send the first one again. In which order, see `app/components/in_order.js`.
GLUE = {**_GLUE, "trigger_mode": "always_last"}
GLUE_OF_EVENT = {**_GLUE, "trigger_mode": "multiple"}
# A button that starts a run: what is clicked while it is on its way is not meant twice.
GLUE_OF_START = {**_GLUE, "trigger_mode": "once"}
