"""A page served by the tests' own process."""

from contextlib import contextmanager

from app.server import app_arguments
from app.ui import build_demo


@contextmanager
def served(service, *, queue=32, sessions=200):
    """The page's address and the page, as app.py serves it."""
    demo = build_demo(service, most_waiting=queue)
    service.limits.guard(demo._queue)
    _, address, _ = demo.launch(
        prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", max_file_size="20mb",
        state_session_capacity=sessions, run_history=False, enable_monitoring=False,
        app_kwargs=app_arguments(service, upload_mb=20),
    )  # fmt: skip
    try:
        yield address.rstrip("/"), demo
    finally:
        demo.close(verbose=False)
