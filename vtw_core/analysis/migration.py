"""When the image's information has moved into the text: attention, lens, and causal curves.

Pure functions of the records of `vtw_core.results.inside`, whose axes are used here; in float64.
docs/quantities.md holds every definition as a formula, and the caution that belongs to it.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vtw_core.analysis.rows import IntArray, QueryRows, index_in, inside_of, select_rows
from vtw_core.analysis.sinks import segment_mass
from vtw_core.errors import InputError, Sentence
from vtw_core.results.inside import SEGMENTS, Attention, Counterfactual, Inside, Lens
from vtw_core.results.run import DEFAULT_ETA, SCOPES, Run, Scope, check_eta, choose_k

FloatArray = NDArray[np.float64]

VISUAL = SEGMENTS.index("visual")
LOW_SHARE = 0.1


def visual_share_of_text(attention: Attention, rows: IntArray) -> FloatArray:
    """Share of the chosen text rows' attention on the image, mean over heads and rows: [l].

    Args:
        rows: [r] indices into q, from `select_rows`.
    """
    return segment_mass(attention, rows)[:, VISUAL]


def visual_share_of_visual(attention: Attention) -> FloatArray:
    """Share of the visual tokens' own attention on the image, mean over heads and tokens: [l]."""
    return np.asarray(attention.visual_mass[..., VISUAL].astype(np.float64).mean(axis=1))


def visual_share_per_token(attention: Attention) -> FloatArray:
    """Share of each text token's attention on the image, mean over heads: [l, q]."""
    return np.asarray(attention.mass[..., VISUAL].astype(np.float64).mean(axis=1))


def answer_probability(log_probability: ArrayLike) -> FloatArray:
    """Probability of the baseline's answer, geometric mean per token: [k].

    Args:
        log_probability: [k, t] natural logs, the baseline answer teacher-forced.
    """
    return np.asarray(np.exp(np.asarray(log_probability, dtype=np.float64).mean(axis=1)))


def flattens_at(kl: ArrayLike, eta: float, scope: Scope = "answer_mean") -> int:
    """First l or K from which on the curve stays at or under eta.

    L when it does not before: the last entry is the original run itself, so this is meant for
    `Run.kl_positions` and `Counterfactual.swapped_kl`, not for `misled_kl`.

    Args:
        kl: [k, t] nats.
        eta: threshold in nats.
        scope: "first_token", "answer_mean" or "answer_max": what becomes of axis t.

    Raises:
        InputError: bad eta or scope, or kl is not a table.
    """
    table = np.asarray(kl, dtype=np.float64)
    if table.ndim != 2 or not table.size:
        raise InputError("kl must be a table with a row for each K and a column for each token.")
    if scope not in SCOPES:
        raise InputError(
            "scope must be one of {scopes}, not {scope!r}.", scopes=", ".join(SCOPES), scope=scope
        )
    curve = {
        "first_token": table[:, 0],
        "answer_mean": table.mean(axis=1),
        "answer_max": table.max(axis=1),
    }[scope]
    return choose_k(curve, eta, "stays_below")


def lens_leads_at(lens: Lens, token: int, t: int = 0) -> int | None:
    """First state x whose likeliest token is the baseline's; None when there is none.

    Args:
        token: id of the baseline's token t, `run.answer_ids[run.layers][t]`; a sampled answer need
            not be the likeliest in the last state.
        t: which token of the baseline answer.

    Raises:
        InputError: there is no answer token t.
    """
    return _first(_leads(lens, token, t))


def lens_stays_at(lens: Lens, token: int, t: int = 0) -> int | None:
    """First state x from which on, till the last, the baseline's token is the likeliest.

    None when it is not in the last state. Arguments and errors as `lens_leads_at`.
    """
    others = np.flatnonzero(~_leads(lens, token, t))
    since = int(others[-1]) + 1 if len(others) else 0
    return since if since < len(lens.top) else None


def first_leads_at_k(lens: Lens, token: int) -> tuple[int | None, ...]:
    """First state x that leads with the baseline's first token, the image withdrawn at K.

    Returns:
        L + 1 entries, one for each K; None where no state does.
    """
    return tuple(_first(row) for row in lens.first_top[..., 0] == token)


def _leads(lens: Lens, token: int, t: int) -> NDArray[np.bool_]:
    """[x] whether the token is the likeliest in the row that predicts answer token t."""
    return np.asarray(
        lens.top[:, index_in(t, lens.top.shape[1], Sentence("The answer token")), 0] == token
    )


def _first(found: NDArray[np.bool_]) -> int | None:
    return int(found.argmax()) if found.any() else None


@dataclass(frozen=True)
class Setting:
    """One way to run the model, compared with the original run; the baseline's answer is forced.

    Attributes:
        name: "never_seen": no visual token in any layer; "misled": the other image in layers below
            K and no visual token from K on; "withdrawn": the true image in layers below K and no
            visual token from K on.
        kl: mean over the answer's positions of KL(P_setting || P_full), nats.
        probability: of the baseline's answer, geometric mean per token.
        agreement: share of the answer's positions whose likeliest token is the baseline's; None
            where the likeliest tokens were not recorded.
    """

    name: Literal["never_seen", "misled", "withdrawn"]
    kl: float
    probability: float
    agreement: float | None


def three_settings(run: Run, test: Counterfactual, k: int) -> tuple[Setting, Setting, Setting]:
    """The three settings by which VTW's author argues for migration, at one K.

    (a) "never_seen", (b) "misled", (c) "withdrawn". Migration by layer K shows as (c) like the
    original run, and (b) unlike it: the text rows had taken the image up before K.

    Args:
        test: one of `run.inside.counterfactuals`.

    Raises:
        InputError: nothing was recorded inside the run, or K is out of range.
    """
    inside = inside_of(run)
    index_in(k, run.layers + 1, "K")
    baseline = np.array(run.answer_ids[run.layers])

    def seen(name: Literal["never_seen", "misled"], at: int) -> Setting:
        return Setting(
            name=name,
            kl=float(test.misled_kl[at].mean()),
            probability=float(answer_probability(test.misled_log_probability[[at]])[0]),
            agreement=float((test.misled_picks[at] == baseline).mean()),
        )

    withdrawn = Setting(
        name="withdrawn",
        kl=float(run.kl_answer[k]),
        probability=float(answer_probability(inside.log_probability[[k]])[0]),
        agreement=None,
    )
    return seen("never_seen", 0), seen("misled", k), withdrawn


@dataclass(frozen=True, eq=False)
class JointCurves:
    """Attention on the image beside what the image still does, layer by layer.

    Attributes:
        visual_share: [L] share of the rows' attention on the image in layer l, mean over heads.
        causal_kl: [L+1] mean over the answer of KL(P_swapped || P_full), nats: the other image
            from layer l on.
        kl: [L+1] mean over the answer of KL(P_withdrawn || P_full), nats: no image from layer K on.
        eta: nats; above it the image counts as in use.
        low_share: share under which attention on the image counts as low.
        low_but_used: layers l from which on, till the last, every share is under `low_share`,
            though `causal_kl[l]` is above eta.
        high_but_unused: layers l whose share is `low_share` or more, though `causal_kl[l]` is at
            most eta.
    """

    visual_share: FloatArray = field(repr=False)
    causal_kl: FloatArray = field(repr=False)
    kl: FloatArray = field(repr=False)
    eta: float
    low_share: float
    low_but_used: tuple[int, ...]
    high_but_unused: tuple[int, ...]

    @property
    def disagreement(self) -> tuple[int, ...]:
        """Layers at which attention and the causal test disagree, either way, ascending."""
        return tuple(sorted(self.low_but_used + self.high_but_unused))


def joint_curves(
    run: Run,
    test: Counterfactual,
    rows: QueryRows | int = "all_text",
    eta: float = DEFAULT_ETA,
    low_share: float = LOW_SHARE,
) -> JointCurves:
    """Line up attention on the image, the causal curve, and the KL curve of withdrawal.

    The causal curve at l is about layer l *and all later ones*, so "low" is too: attention is low
    from l on. "High" need only hold in layer l: what is unused from l on is unused in l.

    Args:
        test: one of `run.inside.counterfactuals`.
        rows: whose attention, as `select_rows`.
        eta: nats.
        low_share: from 0 to 1.

    Raises:
        InputError: nothing was recorded inside the run, no such row, bad eta or low_share.
    """
    inside = inside_of(run)
    eta = check_eta(eta)
    if not 0 <= low_share <= 1:
        raise InputError("low_share must be a share from 0 to 1, not {value}.", value=low_share)
    chosen = select_rows(inside, rows, run.prompt_tokens)
    share = visual_share_of_text(inside.attention, chosen)
    causal = np.asarray(test.swapped_kl.mean(axis=1))
    used = causal[:-1] > eta
    greatest_from_here = np.maximum.accumulate(share[::-1])[::-1]
    low_but_used = np.flatnonzero((greatest_from_here < low_share) & used)
    high_but_unused = np.flatnonzero((share >= low_share) & ~used)
    return JointCurves(
        visual_share=share,
        causal_kl=causal,
        kl=run.kl_answer,
        eta=eta,
        low_share=low_share,
        low_but_used=tuple(low_but_used.tolist()),
        high_but_unused=tuple(high_but_unused.tolist()),
    )


def similarity(inside: Inside, k: int) -> tuple[FloatArray, FloatArray]:
    """(cosine, norm ratio) of the text rows' states with the image withdrawn at K, each [x, q].

    Law: both are 1 where x <= K.

    Raises:
        InputError: K is out of range.
    """
    at = index_in(k, inside.layers + 1, "K")
    return inside.cosine[at].astype(np.float64), inside.norm_ratio[at].astype(np.float64)
