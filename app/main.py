"""Start the page, and serve it until it is stopped."""

# ruff: noqa: E402 -- switches stand before the imports that they are for

from __future__ import annotations

import argparse
import gc
import os
from collections.abc import Sequence
from importlib.util import find_spec

# What is made at the start stays. Garbage collection, again and again while it grows,
# would take a fifth of the time until the page answers.
gc.disable()
# Before gradio is imported: no analytics, and so no network traffic of our own.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

from vtw_core.errors import InputError
from vtw_core.shipped import EXAMPLES

from .components.language import gradio_words
from .gradio_internals import keep_few_timings
from .requests.faults import check_uploads
from .requests.limits import RunLimits
from .requests.upload_limits import UploadLimits
from .requests.visitors import VARIABLE, Networks
from .server.server import app_arguments
from .service import zero_gpu
from .service.service import Service
from .service.stopping import serve_until_stopped
from .settings import Settings
from .theme import CSS, build_theme
from .ui import build_demo


def main(argv: Sequence[str] | None = None, program: str | None = None) -> None:
    """Run the page's command line.

    Args:
        argv: its words, without the program's name; None: those of the process.
        program: how its messages call it; None: as the process is called.
    """
    parser = argparse.ArgumentParser(
        program, description="The Visual Token Withdrawal demo. docs/deploy.md lists all settings."
    )
    parser.add_argument("--model", help="'embedded', a checkpoint folder or a hub id: org/name")
    parser.add_argument("--host", help="address to listen on (default: this machine alone)")
    parser.add_argument("--port", type=int)
    arguments = parser.parse_args(argv)
    try:
        settings = Settings.from_environment()
        models = settings.offered(arguments.model)
        check_uploads()
    except InputError as error:
        parser.error(str(error))
    # Unless it is told, uvicorn believes whatever comes from this machine.
    os.environ[VARIABLE] = settings.proxies
    networks = Networks.behind(settings.proxies)
    service = Service(
        models,
        answer_tokens=settings.answer_tokens,
        eta=settings.eta,
        elsewhere=zero_gpu.on_gpu if settings.on_zero_gpu else None,
        limits=RunLimits(settings.runs_per_minute, settings.waiting, networks=networks),
    )
    if settings.on_zero_gpu:
        service.load()  # what is loaded later would be loaded again for every job
    demo = build_demo(service, usual_language=settings.language, most_waiting=settings.queue)
    keep_few_timings(demo, 20)
    service.limits.guard(demo)
    demo.launch(
        server_name=arguments.host,
        server_port=arguments.port,
        theme=build_theme(),
        css_paths=CSS,
        i18n=gradio_words(),
        max_file_size=f"{settings.upload_mb}mb",
        state_session_capacity=settings.sessions,
        run_history=False,
        enable_monitoring=False,
        # Gradio shows what lies in the current folder, and an installed page lies elsewhere.
        allowed_paths=[str(EXAMPLES)],
        footer_links=["api", "settings"],
        app_kwargs=app_arguments(
            service,
            upload_mb=settings.upload_mb,
            uploads=UploadLimits(settings.uploads_per_minute, settings.upload_quota, networks),
            usual_language=settings.language,
        ),
        mcp_server=find_spec("mcp") is not None,
        prevent_thread_lock=True,
    )
    gc.freeze()  # what stays is not looked through while the model is loaded, either
    gc.enable()
    # Importing torch would make the first visitor wait: the page answers before that begins.
    if not settings.on_zero_gpu:
        service.start()
    serve_until_stopped(demo, service.stopping)
