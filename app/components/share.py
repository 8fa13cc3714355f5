"""The address bar, and what can be taken from the view: a link, a citation, code.

The server tells it what it knows of the view (`show_address`); what only the browser knows (K, η,
layer, word, patch) other parts send, and keeps the address bar up to date by itself.
"""

from __future__ import annotations

import time
from typing import Any, Literal

import gradio as gr

from vtw_core.results.run import DEFAULT_ETA, RULES, Run

from ..links.view_address import Address, View
from ..presenters.view import on_the_line, run_id
from ..words import share as text
from .files import read, script

Origin = Literal["bundled", "picture", "file"]
"""Of what is shown: an example of the page, a picture of the visitor's, or an opened run."""


def share(value: dict[str, Any], address: Address, usual_eta: float = DEFAULT_ETA) -> gr.HTML:
    """Build the component; its value is of `show_address`.

    ``submit`` fires with ``{query}`` when the page was opened by a link, ``select`` with
    ``{query}`` when the code of the view is asked for, ``release`` when the run is to be saved: a
    visitor's input, all of it.
    """
    return gr.HTML(
        value=value,
        html_template=read("share.html"),
        css_template=read("share.css"),
        js_on_load=script(
            "share.js",
            words=text.SHARE,
            bibtex=text.BIBTEX,
            usualEta=on_the_line(usual_eta),
            ours=list(address.fields),
            usualPlaces=address.usual,
        ),
        apply_default_css=False,
        elem_id="share",
        label=text.SHARE_LABEL,
    )


def tell_place(place: str) -> str:
    """The script of a control's event that tells the address bar where the tab in front stands.

    Args:
        place: fields of `View` as an object of JavaScript, in which ``value`` is what the control
            holds.
    """
    event = f"new CustomEvent('vtw:place', {{ detail: {place} }})"
    return f"(value) => {{ window.dispatchEvent({event}); }}"


def show_address(
    query: str, origin: Origin, *, go: dict[str, Any] | None = None, code: str | None = None
) -> dict[str, Any]:
    """What the component is told.

    Args:
        query: what the server knows of the view; the rest, the browser does.
        origin: whether what is shown can be told by an address at all.
        go: of `show_arrival`, when the browser is to take over a whole view now.
        code: Python of the view, when it was asked for.
    """
    return {"query": query, "origin": origin, "go": go, "code": code}


def show_arrival(address: Address, view: View, run: Run, eta: float) -> dict[str, Any]:
    """The parts of a view that the browser holds, for the run that is shown.

    Args:
        address: whose fields it has.
        view: clamped to the run.
        eta: its threshold, or the usual one; one that its line can stand at.
    """
    rule, k = view.get("rule", RULES[0]), view.get("k")
    return {
        "runId": run_id(run),
        "k": run.choose_k(eta, rule=rule) if k is None else k,
        "layers": run.layers,
        "eta": eta,
        "rule": rule,
        **{name: view.get(name) for name in ("layer", "row", "patch", "tab", "lesson")},
        "place": {name: view.get(name) for places in address.usual.values() for name in places},
        "at": time.time(),  # the same view may arrive twice
    }
