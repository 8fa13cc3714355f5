"""The page's terms, explained where they stand: on hover, on focus and on a tap.

The texts of the page hold no marks for it: the browser finds a term's names in labels, captions and
introductions, once in each card, and in the tab order once on each tab.
"""

from __future__ import annotations

import gradio as gr

from ..words import terms as text
from .files import script

_QUANTITIES, _STRATEGIES = "quantities", "strategies"
_HERE = "Words of the page"
DEFINED = {
    "visual_token": (_QUANTITIES, "Notation"),
    "withdrawal": (_STRATEGIES, "VisualTokenWithdrawal"),
    "k": (_QUANTITIES, "Notation"),
    "k_star": (_QUANTITIES, _HERE),
    "kl": (_QUANTITIES, "MethodEntry.kl_positions"),
    "nats": (_QUANTITIES, _HERE),
    "eta": (_QUANTITIES, _HERE),
    "baseline": (_QUANTITIES, "Notation"),
    "prefill": (_QUANTITIES, "MethodSeconds.prefill"),
    "decode": (_QUANTITIES, "MethodSeconds.decode"),
    "kv_cache": (_QUANTITIES, "MethodEntry.kv_bytes"),
    "flops": (_QUANTITIES, "MethodEntry.flops"),
    "sink": (_QUANTITIES, "sink_verdict"),
    "bos": (_QUANTITIES, "Notation"),
    "migration": (_QUANTITIES, "joint_curves"),
    "lens": (_QUANTITIES, "Lens"),
    "causal_test": (_QUANTITIES, "Counterfactual"),
    "segment": (_QUANTITIES, "Attention.mass"),
    "query_rows": (_QUANTITIES, "select_rows"),
    "head": (_QUANTITIES, "head_mass"),
    "massive": (_QUANTITIES, "massive_activations"),
    "budget": (_QUANTITIES, "MethodEntry.visual_tokens_per_layer"),
    "gamma": (_STRATEGIES, "MustDrop"),
    "alpha": (_STRATEGIES, "MustDrop"),
    "key_set": (_STRATEGIES, "MustDrop"),
    "stages": (_STRATEGIES, "MustDrop"),
    "ratio": (_STRATEGIES, "FastV"),
    "agreement": (_QUANTITIES, "MethodEntry.agrees"),
    "teacher_forcing": (_QUANTITIES, "Notation"),
    "band": (_QUANTITIES, _HERE),
}
"""Term -> the document (`app.tabs.numbers`) and the name under which its definition stands."""


def terms_part() -> gr.HTML:
    """Build the component; it lives in the browser alone."""
    terms = [
        {
            "names": term["names"].split("|"),
            "title": term["title"],
            "definition": term["definition"],
            "document": DEFINED[key][0],
            "where": DEFINED[key][1],
        }
        for key, term in text.TERMS.items()
    ]
    return gr.HTML(
        value=None,
        html_template="<div></div>",
        js_on_load=script(
            "terms.js",
            terms=terms,
            skipped=text.WORDS["skip"].split("|"),
            definition=text.WORDS["definition"],
        ),
        apply_default_css=False,
        elem_classes="terms-part",
    )
