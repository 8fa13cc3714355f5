"""Entry point, for Spaces and for ``python app.py``."""

from __future__ import annotations

import argparse
import os

# Before gradio is imported: no analytics, and so no network traffic of our own.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

from app.server import app_arguments
from app.service import Service
from app.theme import CSS, build_theme
from app.ui import build_demo


def main() -> None:
    parser = argparse.ArgumentParser(description="The Visual Token Withdrawal demo.")
    parser.add_argument(
        "--model",
        default=os.environ.get("VTW_MODEL", "embedded"),
        help="'embedded' (default), a local checkpoint folder or a hub id such as org/name",
    )
    parser.add_argument("--host", default=os.environ.get("GRADIO_SERVER_NAME"))
    parser.add_argument("--port", type=int, default=None)
    arguments = parser.parse_args()
    service = Service(arguments.model)
    service.start()
    demo = build_demo(service)
    # Not open as an API: a direct call would pass by the queue and its limit.
    demo.queue(max_size=32, default_concurrency_limit=4, api_open=False)
    demo.launch(
        server_name=arguments.host,
        server_port=arguments.port,
        theme=build_theme(),
        css_paths=CSS,
        max_file_size="20mb",
        state_session_capacity=200,
        run_history=False,
        enable_monitoring=False,
        footer_links=["settings"],
        app_kwargs=app_arguments(service),
    )


if __name__ == "__main__":
    main()
