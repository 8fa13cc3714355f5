"""How the page's events are sent: one queue for everything that uses the model, none for glue."""

from __future__ import annotations

from typing import Any

# The same explicit limit for everything that uses the model: Gradio takes the lowest of a group.
MODEL_QUEUE: dict[str, Any] = {"concurrency_id": "model", "concurrency_limit": 1}
# Whose events run a model: what `app.limits` counts.
RUN_QUEUES = frozenset({MODEL_QUEUE["concurrency_id"]})
_GLUE: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
# Everything else is glue: answered at once, no spinner, hidden from the API page. What happens
# while the same event is still being answered must not be lost on a slow server. Where a handler
# reads components, once more at the end is enough. What reads the event itself is told of each
# one: the browser would send the first one again.
GLUE = {**_GLUE, "trigger_mode": "always_last"}
GLUE_OF_EVENT = {**_GLUE, "trigger_mode": "multiple"}
# A button that starts a run: what is clicked while it is on its way is not meant twice.
GLUE_OF_START = {**_GLUE, "trigger_mode": "once"}
