"""What the picker of models shows, as plain data, in the visitor's language."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vtw_core.families.catalogue import EMBEDDED, SHIPPED

from ..service.models import Models, Offer
from ..service.pool import ModelState
from ..words import models as text
from ..words.library_words import worded

if TYPE_CHECKING:
    from ..service.service import Service


@dataclass(frozen=True)
class Picking:
    """What a visitor is doing with the picker.

    Attributes:
        chosen: the model that his next run asks.
        awaited: the one that he waits for.
        viewed: the one whose facts the picker puts in front; None leaves what the visitor looks at.
        notice: a sentence about ``viewed``; None leaves what was said last.
        is_error: whether it says that something did not work.
    """

    chosen: str
    awaited: str | None = None
    viewed: str | None = None
    notice: str | None = ""
    is_error: bool = False


def show_models(models: Models, picking: Picking) -> dict[str, Any]:
    """The picker's value."""
    offers = list(models.offers.values())
    typed = [
        models.offer(name)
        for name in dict.fromkeys((picking.chosen, picking.awaited, picking.viewed))
        if name is not None and name not in models.offers
    ]
    # Before the first model is there, torch is still being imported: who asks it would wait.
    free = models.free_memory() if models.wait(0) else None
    return {
        "chosen": picking.chosen,
        "awaited": picking.awaited,
        "viewed": picking.viewed,
        "notice": picking.notice,
        "isError": picking.is_error,
        "free": models.free,
        "fixed": models.fixed,
        "models": [_shown(models, offer, picking, free) for offer in (*offers, *typed)],
    }


def _shown(models: Models, offer: Offer, picking: Picking, free: int | None) -> dict[str, Any]:
    state = models.state(offer.name)
    known = offer.known
    source = known.source if known else ""
    is_page = source.startswith("https://")
    return {
        "name": offer.name,
        "title": offer.title,
        "state": text.OPTION_STATES[state.phase],
        "phase": state.phase,
        "card": {"words": offer.name if is_page else source, "address": source if is_page else ""},
        "facts": [list(fact) for fact in _facts(models, offer, state, free)],
        "notes": _notes(offer),
        "warnings": _warnings(models, offer, state, free),
        "said": _said(offer, state, picking, models),
        "isError": state.phase == "failed",
        "progress": None if state.phase != "loading" else _share(state),
    }


def _facts(
    models: Models, offer: Offer, state: ModelState, free: int | None
) -> list[tuple[str, str]]:
    known, facts = offer.known, []
    needed = models.memory(offer.name) if models.wait(0) else None
    if known:
        facts.append((text.FACTS["parameters"], scaled(known.parameters, text.COUNT_UNITS, "")))
    if offer.is_folder and offer.weights:
        facts.append((text.FACTS["on_disk"], size(offer.weights)))
    elif known and (known.name in SHIPPED or (models.wait(0) and offer.is_fetched)):
        facts.append((text.FACTS["download"], text.NO_DOWNLOAD))
    elif known:
        facts.append((text.FACTS["download"], size(known.download_bytes)))
    if needed is not None:
        template = text.MEMORY_ALONE if free is None or state.phase == "ready" else text.MEMORY_OF
        facts.append((text.FACTS["memory"], template.format(needed=size(needed),
                                                            free=size(free or 0))))  # fmt: skip
    if known:
        visual = catalogue_words(known.visual_tokens)
        facts += [
            (text.FACTS["layers"], str(known.layers)), (text.FACTS["visual"], visual),
            (text.FACTS["licence"], known.licence),
        ]  # fmt: skip
    return facts


def _notes(offer: Offer) -> list[str]:
    if offer.name == EMBEDDED:
        return [text.EMBEDDED_NOTE]
    if offer.is_folder:
        return [text.FOLDER_NOTE]
    if offer.known is None:
        return [text.TYPED_NOTE]
    note = catalogue_words(offer.known.licence_note)
    return [note] if note else []


def catalogue_words(said: str) -> str:
    """What the catalogue says of a model, sentence by sentence in the visitor's language."""
    sentences = re.split(r"(?<=\.) ", said)
    return str(text.BETWEEN_SENTENCES.join(text.CATALOGUE.get(one, one) for one in sentences))


def _warnings(models: Models, offer: Offer, state: ModelState, free: int | None) -> list[str]:
    if state.phase == "ready":
        return []
    found = [text.GATED] if offer.known and offer.known.gated else []
    if offer.missing:
        packages = text.BETWEEN_NAMES.join(offer.missing)
        found.append(text.MISSING.format(packages=packages))
    needed = models.memory(offer.name) if models.wait(0) else None
    if needed is not None and free is not None:
        # Others that are in memory make room for it.
        resident = (name for name in models.offers if models.state(name).phase == "ready")
        room = free + sum(models.memory(name) or 0 for name in resident)
        if needed > room:
            found.append(text.TOO_LARGE.format(needed=size(needed), free=size(room)))
    return found


def _said(offer: Offer, state: ModelState, picking: Picking, models: Models) -> str:
    """How far it is, in a sentence or two."""
    is_chosen = offer.name == picking.chosen
    if state.phase == "ready":
        return text.IN_USE.format(title=offer.title) if is_chosen else text.IN_MEMORY
    if state.phase == "failed":
        problem = worded(state.problem) or text.NOT_LOADED.format(model=offer.name)
        return text.BETWEEN_SENTENCES.join((problem, _rest(offer, picking, models)))
    if state.phase == "loading" or (is_chosen and not models.wait(0)):
        if offer.name == picking.awaited:
            return loading_words(offer, state)
        if is_chosen and not models.wait(0):
            return text.FIRST_LOADING.format(title=offer.title)
        return text.LOADED_BY_OTHERS
    return text.HAS_LEFT.format(title=offer.title) if is_chosen else text.NOT_LOADED_YET


def _rest(offer: Offer, picking: Picking, models: Models) -> str:
    """What still works when a model does not."""
    if offer.name == picking.chosen:
        return str(text.RECORDED_WORK)
    return str(text.STILL_IN_USE.format(title=models.offer(picking.chosen).title))


def loading_steps(service: Service, name: str) -> Generator[tuple[str, float], None, None]:
    """Have a model in memory, as `Service.loading`: words and share, 0 to 1, while that takes time.

    Raises:
        VTWError: it is not offered, could not be loaded, or the server is being stopped.
    """
    for state in service.loading(name):
        yield loading_words(service.models.offer(name), state), _share(state) or 0.0


def loading_words(offer: Offer, state: ModelState) -> str:
    """Stage, bytes and share of a loading."""
    stage = text.STAGES[state.stage].format(title=offer.title)
    if not state.total:
        return str(text.STAGE_ALONE.format(stage=stage))
    done, total = size(state.done), size(state.total)
    share = state.done / state.total
    return str(text.BYTES_DONE.format(stage=stage, done=done, total=total, share=share))


def _share(state: ModelState) -> float | None:
    """How much of its stage is done, 0 to 1; None where that is not known."""
    return min(1.0, state.done / state.total) if state.total else None


def size(count: int) -> str:
    """Bytes with a unit, three digits."""
    return scaled(count, text.BYTE_UNITS)


def scaled(count: float, units: Sequence[str], space: str = " ") -> str:
    """A count with a unit, three digits."""
    place = 0
    while count >= 999.5 and place < len(units) - 1:
        count, place = count / 1000, place + 1
    return f"{count:.3g}{space}{units[place]}"
