"""What programs may ask of the page: two named endpoints, shown under "use via API".

They answer what the command line prints with ``--json``, wait in the same queue as visitors, and
take the same care of what they are given. Where the ``mcp`` package is installed they are also
tools of an MCP server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr

from vtw_core.errors import InputError
from vtw_core.results.run import RULES, SCOPES, Rule, Scope, check_eta

from .gradio_internals import hand_on, upload_folder
from .inputs.pictures import path_sent, uploaded
from .requests.events import AGAIN_QUEUE
from .requests.faults import raising_refusals
from .words import api as text_api
from .words import page as text

if TYPE_CHECKING:
    from .service.service import Service

MOST_IMAGES = 8
"""Of one prompt. The library takes more; here strangers share the memory."""


def build_api(service: Service) -> None:
    """Put the endpoints into the page; nothing of them is seen there."""
    endpoints = _Endpoints(service)
    with gr.Row(visible=False):
        image = gr.Image(type="filepath", image_mode=None, label=text_api.IMAGE)
        hand_on(image, path_sent)
        prompt = gr.Textbox(label=text_api.PROMPT)
        length = gr.Number(service.answer_tokens, precision=0, label=text_api.LENGTH)
        eta = gr.Number(service.eta, label=text_api.ETA)
        scope = gr.Dropdown(list(SCOPES), value=SCOPES[0], label=text_api.SCOPE)
        rule = gr.Dropdown(list(RULES), value=RULES[0], label=text_api.RULE)
        method = gr.Textbox("none", label=text_api.METHOD)
        model = gr.Textbox("", label=text_api.MODEL)
        more_images = gr.File(file_count="multiple", label=text_api.MORE_IMAGES)
        hand_on(more_images, _paths)
        # Gradio's own checks raise without a sentence for the caller.
        for part in (prompt, length, eta, method, model):
            hand_on(part, _as_sent)
        answer = gr.JSON(label=text_api.ANSWER)
        button = gr.Button()
    for endpoint, inputs in (
        (endpoints.explore, [image, prompt, length, eta, scope, rule, model, more_images]),
        (endpoints.generate, [image, prompt, method, length, model, more_images]),
    ):
        button.click(
            raising_refusals(endpoint), inputs, answer, api_name=endpoint.__name__,
            show_progress="hidden", **AGAIN_QUEUE,
        )  # fmt: skip


class _Endpoints:
    """What each endpoint does; the docstrings are what a caller reads."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def explore(
        self,
        image: str | None,
        prompt: str,
        max_new_tokens: int,
        eta: float,
        scope: Scope,
        rule: Rule,
        model: str = "",
        more_images: list[str] | None = None,
    ) -> dict[str, Any]:
        """Ask a vision-language model about an image, and see what happens when all visual tokens
        are withdrawn from layer K on, for every K: answers, KL to the full model in nats, FLOPs and
        KV cache bytes, and K* chosen by the threshold eta.

        Args:
            image: the picture.
            prompt: a question about it.
            max_new_tokens: the most tokens of an answer.
            eta: KL threshold in nats; K* is the first K whose KL is at most that.
            scope: first_token, answer_mean or answer_max: which KL is held against eta.
            rule: first, or stays_below, which asks it of every later K too, or released, which
                takes the first from 5 on, as VTW's released code does.
            model: one of those that the page offers; empty for its own.
            more_images: further pictures, which come after the first and are withdrawn with it.
        """
        threshold, length = check_eta(eta), self._length(max_new_tokens)
        name = self._model(model)
        run = self.service.explored(_own(image, more_images), prompt, length, name)
        return run.to_json(threshold, scope, rule)

    def generate(
        self,
        image: str | None,
        prompt: str,
        method: str,
        max_new_tokens: int,
        model: str = "",
        more_images: list[str] | None = None,
    ) -> dict[str, Any]:
        """Ask a vision-language model about an image while visual tokens are withdrawn from its
        decoder by one method, and see the answer, what each layer saw, and the cost.

        Args:
            image: the picture.
            prompt: a question about it.
            method: vtw:k=8, or fastv:k=2,ratio=0.5, or mustdrop:tokens=48, or none.
            max_new_tokens: the most tokens of an answer.
            model: one of those that the page offers; empty for its own.
            more_images: further pictures, which come after the first and are withdrawn with it.
        """
        length, name = self._length(max_new_tokens), self._model(model)
        images = _own(image, more_images)
        return self.service.generate(images, prompt, method, length, name).to_json()

    def _model(self, wanted: Any) -> str:
        if wanted is None or wanted == "":
            return self.service.model_name
        return self.service.models.offer(wanted).name

    def _length(self, wanted: Any) -> int:
        most = self.service.answer_tokens
        if isinstance(wanted, float) and wanted.is_integer():
            wanted = int(wanted)
        if isinstance(wanted, bool) or not isinstance(wanted, int) or not 1 <= wanted <= most:
            raise InputError(
                "max_new_tokens must be a whole number from 1 to {most}, not {wanted!r:.40}.",
                most=most,
                wanted=wanted,
            )
        return wanted


def _paths(payload: Any) -> list[str] | None:
    """The paths a client sends for its further pictures; ``_own`` checks them."""
    return None if payload is None else [one.path for one in payload]


def _as_sent(value: Any) -> Any:
    """What a client sends, of any type; the endpoints check it."""
    return value


def _own(path: str | None, more: list[str] | None) -> str | list[str]:
    """The path, and those of further pictures, if they are of files that were uploaded here.

    Raises:
        InputError: there is none, one lies elsewhere, or there are more than ``MOST_IMAGES``.
    """
    if not path:
        raise InputError(text_api.NO_IMAGE)
    if more and len(more) >= MOST_IMAGES:
        raise InputError(
            "There are {count} images; give at most {most}.",
            count=len(more) + 1,
            most=MOST_IMAGES,
        )
    roots = [upload_folder()]
    own = [uploaded(one, roots, text.PICTURE_ELSEWHERE) for one in (path, *(more or ()))]
    return own if more else own[0]
