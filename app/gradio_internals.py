"""Every use of a part of Gradio that its documentation does not promise, one small function each.

Each function says why it is needed and, after ``Upstream:``, where the part is in Gradio's
repository, as of 6.31. Nothing else in ``app`` touches such a part: ``tests/app/
test_gradio_internals.py`` looks for it, and holds a test of each function that says what to look up
when a new Gradio has changed it. What scripts rely on in the browser is in
``components/gradio_page.js``. ``docs/gradio.md`` lists both.
"""

from __future__ import annotations

import re
from abc import ABCMeta
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from traceback import walk_tb
from typing import Any

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.blocks import BlocksConfig
from gradio.components import Component
from gradio.components.image_editor import EditorDataBlobs
from gradio.processing_utils import save_bytes_to_cache
from gradio.queueing import Queue
from gradio.route_utils import API_PREFIX, GradioMultiPartParser
from gradio.routes import file_upload_statuses
from gradio.utils import get_upload_folder

UPLOAD, UPLOAD_PROGRESS, DRAWING = "upload", "upload_progress", "component_server"
RECORDING, CONFIG = "process_recording", "config"
"""Last parts of addresses, behind any prefix. Upstream: gradio/routes.py, `App.create_app`."""
FILE_ELSEWHERE = re.compile(r"/file=https?://")
"""An address of the internet that the server is asked to fetch, as
`gradio_client.utils.is_http_url_like` sees one. Upstream: gradio/routes.py, `App.create_app`."""


# ---------------------------------------------------------------- the queue
@dataclass(frozen=True)
class Queued:
    """An event that asks for its turn, waits for it, or is being answered.

    Attributes:
        session: of the page; "" for a program's single call.
        request: of the client, with its ``client.host``.
        concurrency_id: of its queue.
        page: path of the page that it belongs to, "" for the first one.
    """

    session: str
    request: Any
    concurrency_id: str
    page: str


def queue_of(demo: gr.Blocks) -> Queue:
    """The queue, to be asked for after ``demo.queue``.

    Why: nothing public says what waits, or keeps anything out.
    Upstream: gradio/blocks.py, `Blocks._queue`.
    """
    return demo._queue


def guard_queue(
    demo: gr.Blocks, admit: Callable[[Queued | None, int | None], Callable[[], None]]
) -> None:
    """Ask before anything goes into the queue; to be called after ``demo.queue``.

    Args:
        admit: is given the event, None for one that there is not, and how many may wait. It raises
            an HTTPException to refuse; what it returns is called once the event is in the queue.

    Why: Gradio limits how many events wait, and not how many of them are one visitor's.
    Upstream: gradio/queueing.py, `Queue.push`.
    """
    queue = queue_of(demo)
    push = queue.push

    async def guarded(body: Any, request: Any, username: str | None) -> Any:
        fn = demo.fns.get(body.fn_index)
        asked = None if fn is None else _queued(body.session_hash, request, fn)
        entered = admit(asked, queue.max_size)
        pushed = await push(body, request, username)
        if pushed[0]:
            entered()
        return pushed

    queue.push = guarded  # type: ignore[method-assign]


def events_in_queue(queue: Queue) -> Iterator[Queued]:
    """What waits, then what is being answered. Those who leave, Gradio forgets by itself.

    Why: a visitor's share of the queue is counted.
    Upstream: gradio/queueing.py, `Queue.event_queue_per_concurrency_id`, `Queue.active_jobs`,
    `Event`.
    """
    waiting = (
        event for one in queue.event_queue_per_concurrency_id.values() for event in one.queue
    )
    running = (event for job in queue.active_jobs for event in job or ())
    for events in (waiting, running):
        for event in events:
            yield Queued(
                event.session_hash, event.request, event.concurrency_id or "", event.fn.page
            )


def _queued(session: str | None, request: Any, fn: BlockFunction) -> Queued:
    return Queued(session or "", request, str(fn.concurrency_id), fn.page or "")


def forget_gone_sessions(queue: Queue, most: int) -> None:
    """Keep no more than ``most`` sessions, besides those of which something waits.

    Why: Gradio keeps a set for every session that ever ran anything.
    Upstream: gradio/queueing.py, `Queue.pending_event_ids_session`, `Queue.event_ids_to_events`.
    """
    pending = queue.pending_event_ids_session
    if len(pending) > most:
        for session, events in list(pending.items()):
            if events.isdisjoint(queue.event_ids_to_events):
                del pending[session]


def is_busy(queue: Queue) -> bool:
    """Whether anything waits or is being answered.

    Why: who is on the page when the server stops has an answer first.
    Upstream: gradio/queueing.py, `Queue.__len__`, `Queue.get_active_worker_count`.
    """
    return bool(len(queue) or queue.get_active_worker_count())


def keep_few_timings(demo: gr.Blocks, most: int) -> None:
    """Keep the times of the last events alone; to be called after ``demo.queue``.

    Why: after each event Gradio makes a table of 10 000, in time that everybody waits for.
    Upstream: gradio/queueing.py, `Queue.ANALYTICS_MAX_EVENTS`.
    """
    queue_of(demo).ANALYTICS_MAX_EVENTS = most


# ---------------------------------------------------------------- sessions
def is_forgotten(app: Any, session: str) -> bool:
    """Whether Gradio no longer has what this session did, or has lost a part of it.

    Args:
        app: the server's own application, ``scope["app"]`` of a request; another forgets nothing.

    Why: Gradio would go on with the page as it opens, without a word.
    Upstream: gradio/state_holder.py, `StateHolder.session_data`, `SessionState.state_data`,
    `SessionState._state_ttl`.
    """
    holder = getattr(app, "state_holder", None)
    if holder is None:
        return False
    state = holder.session_data.get(session)
    # Gradio deletes what an event had left, and keeps the note of when that was.
    return state is None or any(key not in state.state_data for key in state._state_ttl)


class _OfVisitor(BlocksConfig):
    """The page's parts as one visitor has them: what he changed, and no description."""

    @staticmethod
    def config_for_block(
        _id: int, rendered_ids: list[int], block: Any, renderable: Any = None
    ) -> dict[str, Any]:
        if renderable is None:
            return {}
        return BlocksConfig.config_for_block(_id, rendered_ids, block, renderable)


class _OfPage(BlocksConfig):
    """The page's parts, from which each visitor's begin as a copy."""

    def __copy__(self) -> BlocksConfig:
        return _as(_OfVisitor, super().__copy__())


def describe_page_once(demo: gr.Blocks) -> None:
    """Visitors get no description of the page that they would keep; to be called once it stands.

    Why: Gradio describes every part again for each visitor, so that a deep link of its own can
    restore them; this page's links are its own. While it did so, nobody else would be answered.
    Upstream: gradio/state_holder.py, `SessionState.__init__`; gradio/blocks.py,
    `BlocksConfig.config_for_block`, `Blocks.default_config`.
    """
    demo.default_config = _as(_OfPage, demo.default_config)


def _as(kind: type[BlocksConfig], config: BlocksConfig) -> BlocksConfig:
    changed = kind(config.root_block)
    vars(changed).update(vars(config))
    return changed


# ---------------------------------------------------------------- parts and events
def wrap_functions(
    demo: gr.Blocks, but: set[int], wrap: Callable[[Callable[..., Any]], Callable[..., Any]]
) -> None:
    """Put something round the Python function of every event.

    Args:
        but: the events to leave alone, of an earlier `functions_of`.

    Why: all events of one language's page speak that language.
    Upstream: gradio/blocks.py, `Blocks.fns`; gradio/block_function.py, `BlockFunction.fn`.
    """
    for at, event in demo.fns.items():
        if at not in but and event.fn is not None:
            event.fn = wrap(event.fn)


def functions_of(demo: gr.Blocks) -> set[int]:
    """The numbers of the events that there are so far.

    Why: to tell those of one page from those of another.
    Upstream: gradio/blocks.py, `Blocks.fns`.
    """
    return set(demo.fns)


def take_no_words_for_events(demo: gr.Blocks) -> None:
    """Have no part of `gr.HTML` hold an event for its script's ``'every'``.

    Why: where a part's script says so, Gradio takes it for an event, puts that into the page's
    configuration, and copies the whole page for each visitor who opens it.
    Upstream: gradio/components/html.py, `HTML.__getattr__`; gradio/blocks.py,
    `BlockContext.get_config`.
    """
    for part in demo.blocks.values():
        if isinstance(part, gr.HTML):
            part.every = None  # type: ignore[attr-defined]


def skip_hidden_progress(demo: gr.Blocks) -> None:
    """Keep the statuses of an event that shows no progress from its outputs.

    Why: the browser would tell every output, and all that stands in it, each status of each event:
    the whole page, copied some twenty times for one click.
    Upstream: gradio/block_function.py, `BlockFunction.show_progress_on`.
    """
    for event in demo.fns.values():
        if event.show_progress == "hidden":
            event.show_progress_on = []


def sent_with(event: gr.EventData) -> dict[str, Any]:
    """All that a script of a part sent with ``trigger``: a visitor's input; {} for no fields.

    Why: `gr.EventData` gives one field at a time, and fails where a visitor sends no fields at all.
    Upstream: gradio/events.py, `EventData._data`.
    """
    return event._data if isinstance(event._data, dict) else {}


def hand_on(component: Component, read: Callable[[Any], Any]) -> None:
    """Have a component give ``read(payload)`` to its events in place of what Gradio makes of it.

    Why: Gradio makes a component again, from its class, for each visitor whom an event has told an
    update of it, be it `gr.skip()`: what is set on the one object is lost then. So it gets a class.
    Upstream: gradio/blocks.py, `Blocks.postprocess_data`; gradio/component_meta.py,
    `ComponentMeta.__new__`.
    """
    kind = type(component)
    # Not by a class statement: Gradio's metaclass would look for that in a file, and write stubs.
    component.__class__ = ABCMeta.__new__(
        type(kind), kind.__name__, (kind,), {"preprocess": lambda self, payload: read(payload)}
    )


# ---------------------------------------------------------------- drawings
def receive_drawings(canvas: gr.ImageEditor, accept: Callable[[Any, Any], None]) -> None:
    """Give what a browser sends of a canvas to ``accept`` alone.

    Args:
        accept: is given what was said with the bytes, and the files.

    Why: Gradio would keep whatever is sent for ever, and make as many layers as the sender says.
    Upstream: gradio/components/image_editor.py, `ImageEditor.accept_blobs`; gradio/routes.py,
    `App.create_app` (``component_server``, `_is_server_fn`).
    """

    def accept_blobs(data: Any) -> None:
        accept(getattr(data, "data", None), getattr(data, "files", None))

    accept_blobs._is_server_fn = True  # type: ignore[attr-defined]
    canvas.accept_blobs = accept_blobs


def drawings_of(canvas: gr.ImageEditor) -> MutableMapping[str, EditorDataBlobs]:
    """The drawings that were sent and that no event has asked for, by the sender's name for each.

    Why: they are to be few.
    Upstream: gradio/components/image_editor.py, `ImageEditor.blob_storage`.
    """
    return canvas.blob_storage


def flat_drawing(drawing: bytes) -> EditorDataBlobs:
    """A drawing that has no layers, as the canvas keeps it.

    Why: only the flattened drawing is looked at.
    Upstream: gradio/components/image_editor.py, `EditorDataBlobs`.
    """
    return EditorDataBlobs(background=None, layers=[], composite=drawing)


# ---------------------------------------------------------------- files
def upload_folder() -> Path:
    """Where uploads and files to take away lie; it may not be there yet.

    Why: a path that a visitor names is believed if it lies there.
    Upstream: gradio/utils.py, `get_upload_folder`.
    """
    return Path(get_upload_folder())


def keep_file(data: bytes, name: str) -> str:
    """Write a file to where it can be taken away, and is deleted with time; its path.

    Raises:
        OSError: it cannot be written.

    Why: `gr.DownloadButton` copies a file from anywhere else.
    Upstream: gradio/processing_utils.py, `save_bytes_to_cache`.
    """
    return save_bytes_to_cache(data, name, cache_dir=str(upload_folder()))


def address_of_file(path: Path) -> str:
    """Where the server gives out a file of ``gr.set_static_paths``, below the page's root.

    Why: a script fetches it by itself.
    Upstream: gradio/route_utils.py, `API_PREFIX`; gradio/routes.py, `App.create_app`.
    """
    return f"{API_PREFIX}/file={path.as_posix()}"


def forget_upload_progress(most: int) -> None:
    """Keep how far uploads are of the last ``most`` alone.

    Why: Gradio remembers the name of each upload until somebody asks how far it is, and of whoever
    asks.
    Upstream: gradio/route_utils.py, `FileUploadProgress._statuses`, `FileUploadProgress._signals`.
    """
    kept: tuple[MutableMapping[str, Any], ...] = (
        file_upload_statuses._statuses, file_upload_statuses._signals,
    )  # fmt: skip
    for names in kept:
        for name in list(names)[:-most]:
            del names[name]


def delete_half_written(problem: BaseException) -> None:
    """Delete the files that Gradio was writing for an upload when it failed.

    Why: Gradio deletes the parts of an upload that is malformed or too large. Those of one that is
    broken off, or that finds the disk full, it would leave for ever.
    Upstream: gradio/route_utils.py, `GradioMultiPartParser._files_to_close_on_error`.
    """
    for frame, _ in walk_tb(problem.__traceback__):
        parser = frame.f_locals.get("self")
        if isinstance(parser, GradioMultiPartParser):
            for file in parser._files_to_close_on_error:
                with suppress(OSError):  # it writes what it still holds, to the full disk
                    file.close()
                Path(file.name).unlink(missing_ok=True)


# ---------------------------------------------------------------- requests
def paths_named_in(document: Any) -> list[str]:
    """Of all that Gradio would take for a file in the JSON of a request, however deep.

    Why: they are checked before Gradio opens, or downloads, any of them.
    Upstream: client/python/gradio_client/utils.py, `is_file_obj`, `traverse`.
    """
    found, pending = [], [document]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            if isinstance(path := value.get("path"), str):
                found.append(path)
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
    return found


def session_named_in(document: Any) -> Any:
    """The name of the page's session in the JSON of a request: a visitor's input.

    Why: a request is counted, and its page may be forgotten.
    Upstream: gradio/data_classes.py, `PredictBody.session_hash`.
    """
    return document.get("session_hash") if isinstance(document, Mapping) else None


def in_head(page: str, tag: str, head: str) -> str:
    """The HTML of a page with its language, and with more at the beginning of its head.

    Why: Gradio writes ``<html lang="en">`` for everybody, and what `gr.Blocks` takes for the head
    comes when the page is drawn already. Its manifest is the one address that would lead out of a
    proxy's prefix.
    Upstream: js/spa/index.html.
    """
    page = re.sub(r'(<html\b[^>]*?\blang=)"[^"]*"', rf'\1"{tag}"', page, count=1)
    page = page.replace('href="/manifest.json"', 'href="./manifest.json"', 1)
    return re.sub(r"<head\b[^>]*>", lambda found: found[0] + head, page, count=1)
