"""Entry point, for Spaces and for ``python app.py``."""

# ruff: noqa: E402 -- two switches stand before the imports that they are for

from __future__ import annotations

import argparse
import gc
import os
from importlib.util import find_spec

# What is made at the start stays. Looking through it for rubbish, again and again while it grows,
# would take a fifth of the time until the page answers.
gc.disable()
# Before gradio is imported: no analytics, and so no network traffic of our own.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
# Behind each event Gradio makes a table of the last ones, in time that everybody waits for.
os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "20")

from app.components.language import gradio_words
from app.requests.faults import check_uploads
from app.requests.limits import RunLimits
from app.requests.upload_limits import UploadLimits
from app.requests.visitors import VARIABLE, Networks
from app.server.server import app_arguments
from app.service import zero_gpu
from app.service.service import Service
from app.service.stopping import serve_until_stopped
from app.settings import Settings
from app.theme import CSS, build_theme
from app.ui import build_demo
from vtw_core.errors import InputError


def main() -> None:
    parser = argparse.ArgumentParser(
        description="The Visual Token Withdrawal demo. docs/deploy.md lists all settings."
    )
    parser.add_argument("--model", help="'embedded', a checkpoint folder or a hub id: org/name")
    parser.add_argument("--host", help="address to listen on (default: this machine alone)")
    parser.add_argument("--port", type=int)
    arguments = parser.parse_args()
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
    service.limits.guard(demo._queue)
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


if __name__ == "__main__":
    main()
