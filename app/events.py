"""How the page's events are sent: one queue for everything that uses the model, none for glue."""

from __future__ import annotations

from typing import Any

# The same explicit limit for everything that uses the model: Gradio takes the lowest of a group.
MODEL_QUEUE: dict[str, Any] = {"concurrency_id": "model", "concurrency_limit": 1}
# Everything else is glue: answered at once, no spinner, hidden from the API page.
GLUE: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
