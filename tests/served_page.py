"""A page served by the tests' own process."""

import os
from contextlib import contextmanager

from app.requests.visitors import VARIABLE, trusted_proxies
from app.server.server import app_arguments
from app.ui import build_demo


@contextmanager
def served(service, *, queue=32, sessions=200, uploads=None, proxies=""):
    """The page's address and the page, as app.py serves it.

    Args:
        proxies: whose X-Forwarded-For is trusted, as FORWARDED_ALLOW_IPS.
    """
    demo = build_demo(service, most_waiting=queue)
    service.limits.guard(demo)
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = trusted_proxies({VARIABLE: proxies})
    try:
        _, address, _ = demo.launch(
            prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", max_file_size="20mb",
            state_session_capacity=sessions, run_history=False, enable_monitoring=False,
            app_kwargs=app_arguments(service, upload_mb=20, uploads=uploads),
        )  # fmt: skip
    finally:
        os.environ.pop(VARIABLE)
        if before is not None:
            os.environ[VARIABLE] = before
    try:
        yield address.rstrip("/"), demo
    finally:
        demo.close(verbose=False)
