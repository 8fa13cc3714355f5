"""Every sentence about methods at equal budget: the tab, its figures, docs/equal-budget.md."""

TAB_BUDGET = "Equal budget"
INTRO = (
    "Every method keeps fewer visual tokens. **At the same number of visual tokens, mean over the layers, which "
    "method loses least, and what does it really cost?** Recorded with `python -m benchmarks.methods`."
)
NOT_RECORDED = "There is no comparison to show: {problem} Run `python -m benchmarks.methods`."
FACTS = (
    "Measured on {date}: the {model} model ({layers} layers, {visual} visual tokens, weights {weights}), "
    "{questions} held-out questions, {per_kind} of each of {kinds} kinds, each about a different "
    "picture (seed {seed}); {threads} thread(s) of {processor} ({cores} cores, mean load {load}), torch {torch}, "
    "transformers {transformers}. "
    "MustDrop's thresholds were fitted on {fit_questions} other questions. These numbers say nothing about "
    "other models: measure yours."
)
CHANGED_WEIGHTS = "**These numbers were measured with other weights than those in use here.** "

# ------------------------------------------------------------------ names
SERIES = {
    "none": "nothing withdrawn",
    "vtw": "VTW",
    "mustdrop": "MustDrop, stages a b c",
    "mustdrop_ab": "MustDrop, stages a b",
    "mustdrop_b": "MustDrop, stage b alone",
    "fastv": "FastV, K = {k}",
    "fastv_middle": "FastV, K = {k}",
    "fastv_late": "FastV, K = {k}",
    "fastv_mean": "FastV, K = {k}, mean over text rows",
    "random_fastv": "random visual tokens, FastV's counts",
    "random_mustdrop": "random visual tokens, MustDrop's counts",
    "random_vtw": "random prompt tokens dropped at VTW's K",
}
SHORT_NAMES = {
    "vtw": "VTW",
    "mustdrop": "MustDrop",
    "fastv": "FastV",
    "random_fastv": "random tokens",
    "random_mustdrop": "random tokens",
}
AT_K = "{series}, K = {k}"
AT_BUDGET = "{series}, {wanted:.0f} tokens"
K_LABEL = "K = {k}"
ALL_SHORT = "all short answers"
KINDS = {"describe": "descriptions"}
MEASURES = {
    "right": "exactly right answers",
    "same": "answers equal to the baseline's",
    "kl_answer": "KL over the whole answer",
    "kl_first": "KL at the first token",
}
AXIS_Y = {
    "right": "exactly right answers, %",
    "same": "answers equal to the baseline's, %",
    "kl_answer": "KL(P full ‖ P method), mean over the answer, nats",
    "kl_first": "KL(P full ‖ P method) at the first token, nats",
}
COSTS = {
    "flops": "prefill FLOPs",
    "prefill_time": "measured prefill time",
    "whole_time": "measured time of the whole answer",
    "visual_tokens": "visual tokens, mean over layers",
    "kv_bytes": "KV cache of the prompt",
}
AXIS_X = {
    "flops": "prefill FLOPs, % of the baseline's",
    "prefill_time": "prefill time, % of the baseline's",
    "whole_time": "time of the whole answer, % of the baseline's",
    "visual_tokens": "visual tokens, mean over layers",
    "kv_bytes": "KV cache of the prompt, % of the baseline's",
}
PERCENT = "%"
NATS = "nats"
TOKENS = "visual tokens"
OF_BASELINE = "% of the baseline"

# ------------------------------------------------------------------ controls
CONTROL_KIND = "Questions"
CONTROL_MEASURE = "Vertical axis: quality"
CONTROL_COST = "Horizontal axis: cost"
CONTROL_EVERY = "Show variants and further controls"
SAVE_NUMBERS = "All numbers, CSV"

# ------------------------------------------------------------------ figures
CHART_TITLE = "{measure} against {cost}: {kind}"
CHART_CAPTION = (
    "Each point is one method with one setting on {questions} held-out questions ({kind}); up is {up}, "
    "left is cheaper. {measure}; {cost}; a line joins the settings of one method. Bars: 95% percentile "
    "bootstrap interval over questions; a bar of zero width only means that all questions agree. {note}VTW withdraws "
    "every visual token from layer K on; the other methods are set to the same mean number of visual tokens over all "
    "layers and are drawn at the number measured."
)
DEFINITIONS = {
    "right": "Exactly right: the greedy answer is the expected text and ends there",
    "same": "Equal: the greedy answer is the baseline's, token for token",
    "kl_answer": "KL(P full ‖ P method) over the vocabulary, mean over the tokens of the baseline's answer, which both are given, then over questions",
    "kl_first": "KL(P full ‖ P method) over the vocabulary at the first answer token, mean over questions",
    "flops": "FLOPs: {convention}",
    "prefill_time": "seconds of the decoder's prefill over the baseline's on the same question, alternating in one process, median over questions",
    "whole_time": "seconds of image encoding, prefill, and decoding as many tokens as the baseline's answer has at the method's own pace, over the baseline's, alternating in one process, median over questions",
    "visual_tokens": "visual tokens in the prefill, mean over layers",
    "kv_bytes": "bytes of the prompt's KV cache as decoding reads it",
}
NOTE_LOG = "A KL of 0, such as the baseline's, cannot be shown on a log axis. "
BETTER_UP, BETTER_DOWN = "better", "worse"
SUMMARY_CHANCE = "Cheapest settings not significantly worse than the baseline: {points}."
SUMMARY_KL = "Cheapest settings with a KL of at most η = {eta:g} nats: {points}."
SUMMARY_POINT = "{name} ({cost})"
SUMMARY_NONE = "{name}: none"

TABLE_TITLE = "Every method and setting: {kind}"
TABLE_COLUMNS = (
    "method", "visual tokens, target", "measured", "FLOPs, %", "KV cache, %", "prefill time, %",
    "whole time, %", "right, %", "right minus baseline, points", "same answer, %", "KL whole answer, nats",
    "KL first token, nats",
)  # fmt: skip
TABLE_CAPTION = (
    "{questions} held-out questions ({kind}); in brackets the 95% percentile bootstrap interval over "
    "questions; differences to the baseline are paired. FLOPs, KV cache and times as a share of the "
    "baseline's; times are medians, everything else is a mean. Definitions: under the chart above; "
    "“target” is the budget that the setting was chosen for, on other questions where thresholds are fitted."
)
TABLE_SUMMARY = "{count} settings of {methods} methods."
INTERVAL = "{value} [{low}, {high}]"

# ------------------------------------------------------------------ conclusions
READING_TITLE = "Which method wins where"
ON_SHORT = "Short answers"
ON_LONG = "Long answers ({kind})"
AT_STAR = "{on} at {tokens:.0f} of {visual} visual tokens, K\\* = {k}, the first K at or under η"
AT_LEAST = "{on} at the smallest budget, {tokens:.0f} visual tokens, VTW at K = {k}"
SCORES = "**{where}: {verdict}** Exactly right (and KL over the whole answer, nats): {scores}."
SCORE = "{name} {value} ({kl})"
VERDICT = "significantly more often right than VTW: {better}; significantly less often: {worse}; no significant difference: {open}."
NOBODY = "none"
LIST, LONG_LIST = ", ", "; "
CONTROL = "**Against as many random visual tokens in each layer,** short answers: {methods}."
AGAINST_CHANCE = "{name} is significantly better at {ahead} and worse at {behind} of {of} budgets"
TIMES_LESS = "**Time falls less than FLOPs.** At K\\*'s budget, FLOPs, prefill time and time of the whole answer are {costs}."
TIMES = "**FLOPs and time.** At K\\*'s budget, FLOPs, prefill time and time of the whole answer are {costs}."
COST = "{name} {flops}, {prefill} and {whole}"
STAGES = "MustDrop's stages at K\\*'s budget, short answers: {stages}."
STAGE = "{name} {value} right with {tokens:.0f} visual tokens and {kv} of the KV cache"
OUT_OF_REACH = "No thresholds of {series} give {wanted} visual tokens."

# ------------------------------------------------------------------ docs/equal-budget.md
FIGURE_ALT = "{measure} against {cost}, {kind}"
DOCUMENT_COLUMNS = (
    "method", "visual tokens", "FLOPs", "prefill time", "whole time", "short answers right",
    "descriptions right", "whole-answer KL, short", "whole-answer KL, descriptions",
)  # fmt: skip
DOCUMENT_TABLE = "In brackets: 95% bootstrap intervals over questions. Costs are shares of the baseline's; KL(P full ‖ P method) in nats."
