"""Every sentence of the tab that compares methods."""

TAB = "Methods"
INTRO = (
    "VTW is one of several ways to run a model on fewer visual tokens. Here they answer the same question about the same "
    "picture, side by side. A comparison is fair at **equal budget**: the same number of visual tokens, mean over the "
    "layers. Which tokens are left, and in which layers, is what differs."
)
NO_PICTURE = (
    "A saved run does not include its picture, so no other method can run on it: pick an example or ask your own question "
    "on the Compare tab, then come back."
)
NOT_YET = "Press Compare to have the methods above answer “{prompt}” beside the baseline."
ASKED_BY_LINK = "The link asks for methods other than those recorded here: they are set above. Press Compare to run them. Until then, these are the recorded answers."
_K = "K: first layer with fewer visual tokens"
_RATIO = "R: share of the visual tokens dropped"
_POSITIONS = "Position ids of the remaining tokens"
PANELS = {"progress": "Progress of the comparison"}
PANEL = "Method {number}"
METHOD = "Method"
METHODS = {
    "vtw": "VTW: withdraws all at once",
    "mustdrop": "MustDrop: in three stages",
    "fastv": "FastV: drops the least attended",
    "random": "Random: a control",
}
# Of each strategy, by its options' names; a control without words of its own is labelled with the
# strategy's help text.
PARAMETERS = {
    "vtw": {"k": _K, "positions": _POSITIONS},
    "mustdrop": {
        "stages": "Stages",
        "set by": "Thresholds γ and α",
        "preset": "Published thresholds",
        "gamma": "γ, global: share of all attention",
        "alpha": "α, individual: weight from one text row",
        "filters": "Layers followed by a filter",
        "positions": _POSITIONS,
    },
    "fastv": {"k": _K, "ratio": _RATIO, "ranking": "Attention used for ranking"},
    "random": {"k": _K, "ratio": _RATIO, "drop-seed": "Seed: which tokens are dropped"},
}
ANY_PARAMETER = {"tokens": "Visual tokens, mean over the layers", "set by": "Set by"}
PLAIN_PARAMETER = "{symbol}: {help}"
CHOICES = {
    "vtw": {"positions": {"keep": "as they were", "repack": "renumbered without gaps"}},
    "mustdrop": {
        "stages": {"a": "a · vision encoding", "b": "b · prefill", "c": "c · decoding"},
        "set by": {
            "tokens": "found for a token budget",
            "preset": "published",
            "own": "your own",
        },
        "preset": {
            "textvqa-192": "TextVQA, 192 tokens",
            "textvqa-128": "TextVQA, 128 tokens",
            "textvqa-64": "TextVQA, 64 tokens",
            "vizwiz-64": "VizWiz, 64 tokens",
        },
        "positions": {
            "keep": "as they were",
            "repack": "renumbered without gaps (released code)",
        },
    },
    "fastv": {
        "ranking": {
            "last_token": "the last token (released code)",
            "text_mean": "mean over all text rows (paper)",
        },
    },
}
WAYS = {"tokens": "a number of visual tokens", "own": "hand"}
MISSING = "Fill in “{label}” first."
NONE_TICKED = "Nothing is selected under “{label}”: select at least one."
ADD = "Add a method"
REMOVE = "Remove this method"
COMPARE = "Compare"
CANCEL = "Cancel"
EQUAL = "Set all to VTW's budget"
EQUAL_DONE = "Set: {tokens} visual tokens, mean over the {layers} layers, as with VTW at K = {k}."
EQUAL_ALL = (
    "VTW at K = {k} keeps every visual token: there is no budget to share. Choose a smaller K."
)
SAVE = "Save the comparison (.json)"
GONE = "There is no comparison yet: press Compare first."

ENCODING = "Encoding the picture …"
RUNNING = "{title}: answering …"
TIMING = "Measuring the prefill of all methods in turn …"
CANCELLED = "Cancelled. The previous results are below."
INTERNAL = "An internal error stopped the comparison; nothing of yours is lost. Try again."
LABEL_TWICE = "{title} ({number})"

ORIGINS = {
    "recorded": "{model}, recorded on {date}: press Compare to repeat it here",
    "live": "{model}, measured on this server",
}
BASELINE = "Baseline"
TITLES = {
    "vtw": "VTW, K = {k}",
    "mustdrop": "MustDrop, stages {stages}",
    "fastv": "FastV, K = {k}, R = {ratio:.0%}",
    "random": "Random, K = {k}, R = {ratio:.0%}, seed {seed}",
}
NOTES = {
    "none": "Every visual token in every layer.",
    "vtw": "All visual tokens are withdrawn before layer {k}.",
    "fastv": "Before layer {k} the {ratio:.0%} with the least attention are dropped; ranked by {ranking}.",
    "random": "Before layer {k} a random {ratio:.0%} are dropped.",
    "mustdrop": "γ = {gamma}, α = {alpha}.",
}
NOTE_FITTED = " Found for {wanted} visual tokens."
NOTE_NEAREST = (
    " {wanted} visual tokens were requested; {got} is the nearest that its stages can reach here."
)
NOTE_REPACKED = " Position ids renumbered."
NOTE_VISION = (
    " Encoder: {patches} patches → {tokens} tokens; merged windows: {merged}; key set: {key}."
)
RANKING_WORDS = {"last_token": "the last token", "text_mean": "all text rows"}

WAITS = "Waiting for its turn …"
REFUSED = "Cannot run here: {reason}"
EMPTY = "The model ended its answer at once: an empty answer."
SAME = "the baseline's answer"
OTHER = "another answer"
METRIC_TOKENS = "Visual tokens, mean"
METRIC_FLOPS = "Prefill FLOPs"
METRIC_KV = "KV cache"
METRIC_PREFILL = "Prefill, measured"
METRIC_KL = "KL, answer mean"
METRIC_AGREES = "Agrees"
OF_BASELINE = "{share:.0%} of the baseline"
KL_NOTE = "first {first}, max {most} nats"
AGREES_NOTE = "of the baseline's tokens"

LAYERS_TITLE = "Visual tokens in each layer"
LAYERS_X = "decoder layer"
LAYERS_Y = "visual tokens in the prefill"
LAYERS_UNIT = "visual tokens"
LAYERS_CAPTION = (
    "Visual tokens that each of the {layers} decoder layers sees in the prefill of this prompt. The area under a curve is "
    "the budget: its mean follows each name. MustDrop's stage a merges patches before layer 0; its stage c cuts "
    "caches after the prefill, which is not shown here."
)
SERIES = "{title}: mean {mean}"

TABLE_TITLE = "What each method costs, and how far it moves the answer"
TABLE_CAPTION = (
    "KL(P method ‖ P full) in nats over the whole vocabulary, at each token of the baseline's answer, which is given to "
    "every method: at the first token, mean and maximum. Agreement: share of those tokens that the method predicts too. "
    "FLOPs: {convention}. KV cache: keys and values of the prompt as decoding reads them, {dtype}. Prefill: wall clock on "
    "{device}, median of several rounds in which all methods took turns, the method's own work included; encoding (picture to "
    "tokens) and decoding measured once. Differences of a few percent mean nothing."
)
TABLE_SUMMARY = "{title}: {tokens} visual tokens, {flops:.0%} of the prefill FLOPs, KL {kl} (answer mean), {same}."
TABLE_QUANTITY = "quantity"
TABLE_ROWS = (
    "answer",
    "same answer",
    "agreement, tokens of the baseline's answer",
    "KL first token (nats)",
    "KL answer mean (nats)",
    "KL answer max (nats)",
    "visual tokens, mean over layers",
    "… in the KV cache",
    "prefill FLOPs ({flop})",
    "… of the baseline",
    "KV cache ({byte})",
    "… of the baseline",
    "encoding the picture (ms)",
    "prefill (ms)",
    "decode (ms per token)",
)
YES, NO = "yes", "no"
