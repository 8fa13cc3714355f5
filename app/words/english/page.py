"""Every sentence of the page, in one place."""

from typing import Any

TITLE = "Visual Token Withdrawal"
INTRO = (
    "A vision-language model carries every patch of the picture through every layer. "
    "**Take all of them out from layer K on: does the answer change?** "
    "Ask about a picture, then drag K."
)
THEME_SWITCH = {
    "name": "Light or dark colours",
    "toDark": "Dark colours",
    "toLight": "Light colours",
}
LINKS = (
    "[VTW paper](https://arxiv.org/abs/2405.05803) · "
    "[MustDrop paper](https://arxiv.org/abs/2411.10803)"
)

TAB_COMPARE = "Compare"
TAB_CALIBRATE = "Calibrate"
TAB_NUMBERS = "What the numbers mean"
STEP_PICTURE = "1 · A picture"
STEP_QUESTION = "2 · A question"
TAB_UPLOAD = "Upload or paste"
TAB_DRAW = "Draw"
ADD_PICTURE = "Add a picture to this question"
ONE_PICTURE = (
    "The embedded model was trained on one picture at a time, so it can be asked about one only."
)
TOO_MANY_PICTURES = "One question takes at most {most} pictures here: remove one first."
FURTHER = {
    "picture": "Picture {number}",
    "earlier": "Move picture {number} to place {before}",
    "remove": "Remove picture {number}",
}
EXAMPLES = "Examples (recorded, shown at once)"
# Names of pictures: of the examples, of those made from another, and of a visitor's own.
PICTURES = {
    "Small or large": "Small or large",
    "Three shapes": "Three shapes",
    "Count the stars": "Count the stars",
    "One circle": "One circle",
    "Left or right": "Left or right",
    "Is there no ...": "Is there no ...",
    "One over another": "One over another",
    "More or fewer": "More or fewer",
    "A long answer": "A long answer",
    "white": "white",
    "noise": "noise",
    "blurred": "blurred",
    "your picture": "your picture",
}
PICTURE = "Picture"
DRAWING = "Drawing"
QUESTION = "Question"
QUESTION_PLACEHOLDER = "what color is the circle ?"
SUGGESTIONS = (
    "what color is the circle ?",
    "where is the square ?",
    "how many objects are there ?",
    "is there a red star ?",
    "are there more circles than squares ?",
    "describe the image.",
)
SUGGESTIONS_FOR_STICKERS = (
    "What is at the top left?",
    "Where is the dog?",
    "How many things are in the picture?",
    "Is there a red heart?",
    "What sound does the animal at the left make?",
    "Describe the picture.",
)
SUGGESTIONS_FOR_PHOTOGRAPHS = (
    "What is in the picture?",
    "What color is the largest object?",
    "How many people are there?",
    "Where was this picture taken?",
    "Is there any text in the picture?",
    "Describe the image in detail.",
)
RUN = "Run both sides"
CANCEL = "Cancel"

# Gradio's own words that it does not translate into Chinese, by its keys.
GRADIO = {
    "image_editor.brush": "Brush",
    "image_editor.brush_size": "Brush size",
    "image_editor.clear_canvas": "Clear canvas",
    "image_editor.color": "Color",
    "image_editor.erase": "Eraser",
    "image_editor.eraser_size": "Eraser size",
    "image_editor.fit_to_screen": "Fit to screen",
    "image_editor.pan": "Pan",
    "image_editor.redo": "Redo",
    "image_editor.select_draw_tool": "Choose the brush to draw",
    "image_editor.upload": "Upload",
    "image_editor.zoom_in": "Zoom in",
    "image_editor.zoom_out": "Zoom out",
    "status.queue_position": "In queue: {position} of {size}",
    "common.progress": "Progress",
    "common.download_all": "Download all",
    "dataframe.filter": "Filter",
    "dataframe.clear_filter": "Clear filters",
}

# Names that Gradio and plotly give their own buttons in English, whatever the page speaks.
GRADIO_NAMES = {
    "More tabs": "More tabs",
    "Thumbnail {number} of {count}": "Thumbnail {number} of {count}",
    "Paste from clipboard": "Paste from clipboard",
    "Remove Image": "Remove Image",
    "Upload file": "Upload file",
    "Upload a file": "Upload a file",
    "File upload": "File upload",
    "Click to upload or drop files": "Click to upload or drop files",
    "Uploading": "Uploading",
    "Uploaded files": "Uploaded files",
    "Remove this file": "Remove this file",
    "Gradio footer navigation": "Gradio footer navigation",
    "Dataframe": "Dataframe",
    "Table actions": "Table actions",
    "Copy table data": "Copy table data",
    "Copied to clipboard": "Copied to clipboard",
    "Open cell menu": "Open cell menu",
    "Fullscreen": "Fullscreen",
    "Exit fullscreen mode": "Exit fullscreen mode",
    "Reset to default value": "Reset to default value",
    "Hue": "Hue",
    "Saturation and brightness": "Saturation and brightness",
    "undo": "undo",
    "Close picker": "Close picker",
    "Close": "Close",
    "Dismiss": "Dismiss",
    "Download": "Download",
    "Clear": "Clear",
    "Zoom": "Zoom",
    "Zoom in": "Zoom in",
    "Zoom out": "Zoom out",
    "Pan": "Pan",
    "Box Select": "Box Select",
    "Lasso Select": "Lasso Select",
    "Autoscale": "Autoscale",
    "Reset axes": "Reset axes",
    "Download plot as a PNG": "Download plot as a PNG",
    "Produced with Plotly.js (v{version})": "Produced with Plotly.js (v{version})",
}

PHOTOGRAPH = (
    "This looks like a photograph, and this model only knows drawings of simple things: its "
    "answer means nothing here. For photographs choose another model, below the examples."
)
PHOTOGRAPH_ALONE = (
    "This looks like a photograph, and this model only knows drawings of simple things: its "
    "answer means nothing here. For photographs start the page with a real model, such as "
    "--model HuggingFaceTB/SmolVLM-256M-Instruct."
)
STOPPING = "The server is shutting down: come back in a few minutes."

REFUSED = "Not possible"
NO_PICTURE = "There is no picture yet: upload, paste or draw one, or pick an example."
NO_WEBGL = "You cannot draw in this browser: it has no WebGL. Turn on hardware acceleration, or upload a picture."
NO_DRAWING = "The canvas is empty: draw a shape first, or pick an example."
PICTURE_ELSEWHERE = "This picture was not uploaded here: upload it again."
CANCELLED = "Cancelled. The last complete run is below."
CANCELLED_FIRST = "Cancelled. Press Run to start again."
INTERNAL = (
    "An internal error stopped the model; nothing of yours is lost. "
    "Try again; if it happens again, the server has to be restarted."
)
WAITING = "Waiting for your turn …"
QUEUE_IS_FULL = "Too many visitors are waiting: try again in a minute."
STARTING = "Encoding the picture …"
BASELINE_RUNS = "Answering with the image in every layer …"
CURVE_RUNS = "Measuring the KL at every K …"
ANSWERS_RUN = "Answering at every K …"

ORIGINS = {
    "recorded": "recorded run, made on {date}: press Run to repeat it here",
    "live": "your run, measured on this server",
    "opened": "a saved run, made on {date}, opened from your file",
}
OPEN_RUN = "Open a saved run (.vtw)"
RUN_NOT_REPEATED = (
    "This run cannot be reproduced here with the same answer, so it cannot be tested with another image: "
    "press Run both sides first."
)
RUN_ELSEWHERE = "Choose the saved run again: the file did not arrive as an upload."
RUNNING = "running now on this server"

DEFINITIONS = (
    "Definitions. K: the first decoder layer without visual tokens; K = {layers} withdraws nothing. "
    "KL: divergence of the next-token distribution, softmax over the whole vocabulary, in nats, "
    "P withdrawn against P full. K*: the first K whose KL is at most η (VTW's code uses {eta} "
    "by default); by the other rules, the first K from which every later KL is at most η too, or the "
    "first from K = 5 on, where the candidates of VTW's released code start. "
    "FLOPs: theory, {convention}. "
    "KV cache: keys and values of the prompt, {dtype}. "
    "Prefill: one pass over the prompt up to the first token, the picture already encoded "
    "(once, {encode} for both sides). Decode: the tokens after the first. "
    "Times are wall clock on {device}, measured once, so differences of a few percent mean nothing; "
    "they are sums of layers timed one by one, with and without the image."
)

# Models of published η that are not proper names.
PRESET_MODELS = {"any other model": "any other model"}
ETA_CHOICE = "{model}: {eta:g}"
# Between the parts of a list, and between two sentences.
BETWEEN_PARTS, BETWEEN_SENTENCES = ", ", " "
YES, NO = "yes", "no"
END_OF_ANSWER = "end of answer"
SPACE = "␣"
# Sentences that the workbench writes while K and η move; {names} are filled in by criterion.js.
WORKBENCH: dict[str, Any] = {
    "curves": "KL(P withdrawn at K ‖ P full) in nats, both sides teacher-forced on the baseline's answer. Drag the K line sideways and the η line up and down, or use the arrow keys: everything follows.",
    "scopes": {
        "first_token": "first token",
        "answer_mean": "answer mean",
        "answer_max": "answer max",
    },
    "scopeNotes": {
        "first_token": "VTW's criterion: KL at the first answer token only",
        "answer_mean": "mean KL over all tokens of the baseline's answer",
        "answer_max": "largest KL over all tokens of the baseline's answer",
    },
    "noneBelow": "none below L",
    "klHere": "KL {kl} at K = {k}",
    "etaSlider": "eta, the KL threshold, on a logarithmic scale",
    "etaValue": "eta {eta} nats",
    "atL": "{layers} = L (nothing withdrawn)",
    "leads": {
        "nothing": "No layer can do without the image at this η: K* = L = {layers} for the first token and for the whole answer, nothing is withdrawn.",
        "agree": "At η = {eta} the first token and the whole answer agree: K* = {first}.",
        "firstBlind": "At η = {eta} the first token allows K = {first}, but over the whole answer only K = {max} qualifies: the criterion looks at one token, and a long answer hides its loss.",
        "firstBlindThrice": "At η = {eta} the first token allows K = {first}, but the mean over the answer asks for K = {mean} and its worst token for K = {max}: the criterion looks at one token, and a long answer hides its loss.",
        "worstOnly": "At η = {eta} the first token and the mean over the answer allow K = {first}, but the worst token asks for K = {max}: one lost token hides in a mean over {count}.",
        "meanHidesFirst": "At η = {eta} the mean over the answer allows K = {mean}, the first token, which is the worst here, asks for K = {max}: a mean over {count} tokens hides the loss of one.",
        "meanHides": "At η = {eta} the mean over the answer allows K = {mean}, the first token K = {first} and the worst token K = {max}: a mean over {count} tokens hides the loss of one.",
    },
    "loss": "At K = {low} this answer has KL {kl} nats at its worst token (“{piece}”, {position} of {count}) and {reads}.",
    "readsSame": "still reads the same",
    "readsOther": "reads differently",
    "agreeShort": "The answer has little after its first token that could be lost unnoticed (tokens in total: {count}). At K = {low} it {reads}.",
    "agreeLong": "At K = {low} the worst of its {count} tokens is “{piece}” with KL {kl} nats, and the answer {reads}.",
    "rulesDiffer": "The rules differ ({scope}): K = {soon} is the first under η, but the KL rises above it again and stays under it only from K = {late} on.",
    "releasedDiffers": "The rules differ ({scope}): K = {soon} is already under η, but the candidates of VTW's released code start at K = {from}, so it picks K = {late}.",
    "tokensWaiting": "Appears when every K has been measured …",
    "tokensAtK": "K = {k}: {over} of {count} tokens over η = {eta} (underlined). Worst: “{piece}”, {position} of {count}, KL {kl} nats.",
    "tokensBaseline": "K = {k} is the baseline itself: KL 0 at every token.",
    "tokenOver": "“{piece}”, token {position} of {count} at K = {k}: KL {kl} nats, over η",
    "tokenUnder": "“{piece}”, token {position} of {count} at K = {k}: KL {kl} nats, not over η",
}

# Words of workbench.html and its scripts; {names} are filled in where a script writes them.
WORKBENCH_LABEL = "Answers, KL curve and choice of K"
WORKBENCH_HTML: dict[str, str] = {
    "progress": "Progress of the run",
    "heading": "How far does the answer move when the image leaves at layer K?",
    "earlier": "One layer earlier",
    "later": "One layer later",
    "etaBefore": "K* for KL ≤ η =",
    "etaAfter": "nats",
    "etaField": "η, the KL threshold in nats, from 1e-7 to 10",
    "presets": "η as published, in VTW's released code",
    "presetsOpen": "η in VTW’s code …",
    "rules": "Which K under η is picked",
    "ruleFirst": "first under η",
    "ruleFirstNote": "K* is the first K whose KL is at most η, among those at which this model can run without the image",
    "ruleStays": "stays under η",
    "ruleStaysNote": "K* is the first K from which every KL stays at most η",
    "ruleReleased": "from K = 5",
    "ruleReleasedNote": "K* is the first K from 5 on whose KL is at most η: the candidates of VTW's released code start there",
    "stars": "K* of each scope; press one to go to its K",
    "seesAll": "Sees the image in all layers",
    "withdrawn": "Image withdrawn",
    "positions": "Where in the answer? KL at each token of the baseline’s answer, image withdrawn at K",
    "tokens": "KL at each token of the baseline's answer; arrow keys move between tokens",
    "scaleLow": "KL 0.0001 nats or less",
    "scaleHigh": "10 or more, log scale",
    "baseline": "baseline",
    "prefill": "Prefill, measured",
    "prefillSpeed": "{ratio}× the baseline’s speed",
    "decode": "Decode, measured",
    "decodeTokens": "per token, {count} tokens",
    "decodeNone": "one token: no decode step",
    "flops": "Prefill FLOPs, theory",
    "kv": "KV cache of the prompt",
    "emptyAnswer": "The model ended its answer at once: an empty answer.",
    "verdictBaseline": "K = {layers}: nothing is withdrawn. This is the baseline itself.",
    "saved": "{flops} of the prefill FLOPs and {kv} of the prompt’s KV cache are saved",
    "seesNever": "K = 0: the decoder never sees the image",
    "seesAllButOne": "K = {k}: layers 0–{before} see the image, layer {k} does not",
    "seesSome": "K = {k}: layers 0–{before} see the image, layers {k}–{last} do not",
    "unchanged": "The answer is unchanged",
    "different": "The answer is different",
    "verdict": "{sees}. {answer}; {saved}.",
    "nothingWithdrawn": "Nothing withdrawn (K = L = {layers})",
    "withdrawnFrom": "Image withdrawn from layer K = {k} on",
    "lineSame": "K = {k} of {layers}, same answer, KL of the first token {kl} nats",
    "lineOther": "K = {k} of {layers}, another answer, KL of the first token {kl} nats",
    "slider": "K = {k} of {layers}",
    "factModel": "model ",
    "factLayers": " layers",
    "factVisualOfSeveral": " visual tokens, of {count} pictures",
    "factVisual": " visual tokens ({rows} × {columns} patches)",
    "factText": " text tokens",
    "factPrompt": "prompt: ",
    "waitingBaseline": "Waiting for the first word …",
    "waitingWithdrawn": "Appears when K* is known …",
    "seesAllOf": "Sees the image in all {layers} layers",
    "plotWaits": "The curve appears when every K has been measured.",
    "plotEmpty": "Press Run to see the KL curve.",
    "axis": "KL in nats, log axis",
    "betweenScopes": ", ",
    "columnKl": "K = {k}: KL {kls} nats",
    "rowLayers": "image seen",
    "rowLayersNarrow": "layers",
    "rowAnswer": "answer",
    "rowAnswerNarrow": "same?",
    "cellSame": "K = {k}: same answer as the baseline",
    "cellOther": "K = {k}: another answer",
    "cells": "solid: the answer is the baseline’s, token for token · slashed: another answer",
    "cellsNarrow": "solid: baseline’s answer · slashed: another",
    "line": "K, the first layer without the image",
    "betweenSentences": " ",
}

TAB_EVERY_K = "Every K"
EVERY_K_INTRO = (
    "The same run at every K, as a chart and as a table that a screen reader can read. "
    "K = 0: the decoder never sees the image. The last row is the baseline."
)
EVERY_K_CHARTS = "Every K as charts"
EVERY_K_TABLE = "Every K as a table"
EVERY_K_COLUMNS = (
    "K", "KL first token (nats)", "KL answer mean (nats)", "KL answer max (nats)", "answer",
    "same as baseline", "likeliest first tokens", "prefill FLOPs", "share of baseline", "KV cache (bytes)",
    "prefill (ms)", "decode (ms per token)",
)  # fmt: skip
EVERY_K_SHOWN = (*EVERY_K_COLUMNS[:9], "KV cache", *EVERY_K_COLUMNS[10:])
SAVE_RUN = "Save this run (.vtw)"
SAVE_TABLE = "Save the table (.csv)"

CALIBRATE_INTRO = (
    "One picture says little about K. Calibration measures every K on a **set** of pictures and questions, "
    "takes the mean of their KL curves, and picks K\\* from that mean curve, as VTW does. "
    "Changing η, or the KL it is compared with, evaluates the result again without running the model."
)
CRITERION = "The criterion"
PRESET = "Published η"
PRESET_NONE = "your own value"
PRESET_LABEL = "{model}: η = {eta:g}{k}"
PRESET_K = ", K = {k}"
PRESET_SOURCE = "Source: {source}."
PRESET_OWN = "Published values belong to their model; for another one they are a starting point."
ETA = "η in nats: the largest KL that still counts as no difference"
SCOPE = "KL at"
SCOPES = {"first_token": "first token", "answer_mean": "answer mean", "answer_max": "answer max"}
RULE = "K* is"
RULES = {
    "first": "the first K at or under η",
    "stays_below": "the first K that stays at or under η",
    "released": "the first K from 5 on at or under η, as in VTW's released code",
}
DIRECTION = "Direction of the KL"
CALIBRATE_OWN = "Run it here"
CALIBRATE_FILES = "Your pictures, at most {limit}"
CALIBRATE_QUESTION = "One question for all of them"
CALIBRATE_RUN_OWN = "Calibrate on my pictures"
CALIBRATE_RUN_BUNDLED = "Repeat the bundled set"
CALIBRATE_NO_PICTURES = "There are no pictures yet: upload some first."
CALIBRATE_REFUSED = "{name}: {problem}"
CALIBRATE_TOO_MANY = "There are {count} pictures; calibration here takes at most {limit}. The command line takes any number."
CALIBRATE_PROGRESS = "{done} of {total} samples measured at every K …"
CALIBRATE_DONE = "Done: {total} samples."
CALIBRATE_CANCELLED = "Cancelled. The previous result is shown."
CALIBRATE_RECORDED = "Recorded: the model that ships with this page ({model}), on {samples} bundled questions about drawn shapes."
CALIBRATE_BUNDLED = "Measured on this server: {model}, on the {samples} bundled questions."
CALIBRATE_YOURS = "Measured on this server: {model}, on your pictures ({samples}). Without known answers there is no accuracy."
CALIBRATE_PICKS = "At **η = {eta:g} nats** ({scope}, {direction}; {rule}) the mean curve of {samples} samples picks **K\\* = {k} of {layers}**: "
CALIBRATE_NOTHING = "at this threshold no layer can do without the image, so nothing is saved. "
CALIBRATE_SAVES = "**{saved} of the decoder's prefill FLOPs saved**, {agreement} of the answers are the baseline's token for token. "
CALIBRATE_ACCURACY = "Accuracy **{at_k} instead of {baseline}** (answers known for {answered}). "
CALIBRATE_ACCURACY_BASELINE = "Accuracy {baseline} (answers known for {answered}). "
CALIBRATE_BAND = "The lower end of the band would pick K\\* = {low}, the upper end {high}. "
CALIBRATE_SPREAD = "The samples' own K\\*: {least} to {most}, median {median:g}."
CALIBRATE_KL = "Mean KL at every K"
CALIBRATE_OUTCOME = "What happens to the answers and the cost"
CALIBRATE_HISTOGRAM = "K* of each sample on its own"
CALIBRATE_KL_CAPTION = (
    "{direction} in nats over the whole vocabulary ({scope}), the image withdrawn from layer K on. Line: mean over "
    "the {samples} samples. Band: {band}; cut off where the axis ends. K = {layers} has KL 0 by definition, which "
    "a log axis cannot show."
)
CALIBRATE_NO_BAND = "none, since one sample says nothing about the spread"
CALIBRATE_KL_SUMMARY = (
    "At η = {eta:g} nats the mean curve picks K* = {k} of {layers}; there the mean KL is {kl} nats."
)
CALIBRATE_OUTCOME_CAPTION = (
    "Percent of {samples} samples, the image withdrawn from layer K on. Same answer: the baseline's, token for token. "
    "{right}FLOPs: the prefill's against K = {layers}, mean over the samples; {convention}."
)
CALIBRATE_RIGHT_NOTE = (
    "Right: equal to an accepted answer after trimming and ignoring case, known for {answered}. "
)
CALIBRATE_OUTCOME_SUMMARY = "At K* = {k}, {agreement} of the answers are the baseline's, with {flops} of its prefill FLOPs.{right}"
CALIBRATE_RIGHT_SUMMARY = " {at_k} are right, {baseline} at K = {layers}."
CALIBRATE_HISTOGRAM_CAPTION = (
    "K* of every sample's own curve of {direction} ({scope}) at the same η = {eta:g} nats: {rule}. The green "
    "line is K* of the mean curve."
)
CALIBRATE_HISTOGRAM_SUMMARY = (
    "The samples' own K* range from {least} to {most}, median {median:g}; the mean curve picks {k}."
)
CALIBRATE_TABLE = "The same numbers as a table"
CALIBRATE_COLUMNS = (
    "K", "mean KL (nats)", "95% band (nats)", "same answer", "right", "FLOPs", "samples with this K*",
)  # fmt: skip
SAVE_CALIBRATION = "Save everything (.json)"
SAVE_CALIBRATION_TABLE = "Save the table (.csv)"
AXIS_K = "K: first layer without visual tokens"
AXIS_MEAN_KL = "mean KL, {scope} (nats)"
AXIS_PERCENT = "percent of {samples} samples"
AXIS_COUNT = "samples with K* = K, of {samples}"
UNIT_SAMPLES = "samples"
CURVE_MEAN = "mean KL"
CURVE_BAND = "95% band of the mean"
CURVE_SAME = "same answer as the baseline"
CURVE_RIGHT = "right answer"
CURVE_FLOPS = "prefill FLOPs against K = {layers}, theory"
MARK_ETA = "η = {eta:g}"
MARK_K_STAR = "K* = {k}"

DOCUMENTS_INTRO = """
## Every number, exactly
The short table above is for reading the page. These two documents define everything that is recorded,
computed or drawn: formula, layers, heads, query rows, unit and source.
"""
DOCUMENTS = {
    "quantities": "Quantities: what every number means",
    "strategies": "Strategies: what every method drops, and when",
}
NUMBERS = """
## What happens to the picture
The vision encoder turns the picture into a grid of **visual tokens**, one for each patch. They are
in the prompt between the system prompt and your question, and normally run through every decoder
layer. Withdrawal at **K** lets layers 0 … K−1 see them and removes them from the hidden states, and
so from the KV cache, of layers K … L−1. K = L removes nothing and is the baseline, bit for bit.

## Why the answer can survive
1. **Attention sink.** Deep layers of pretrained models spend most of their attention on the first
   tokens and hardly any on visual tokens.
2. **Information migration.** By then, what the answer needs has moved from the visual tokens into
   the text tokens after them.

The ribbon shows the effect itself: a solid cell is a K at which the answer is the baseline's, token
for token. Whether *your* question survives is what you can try here.

## The numbers
| number | definition | source |
|---|---|---|
| KL, first token | KL(P withdrawn ‖ P full) in nats at the first answer token; softmax over the vocabulary | VTW's released code |
| KL, answer mean and max | the same at every token of the baseline answer, which is given to both sides (teacher forcing), then mean or maximum | this project: VTW's criterion looks at one token only |
| K* | the first K whose KL is at most η, among those at which the model can run without the image; VTW's released code starts at K = 5 (the rule “from K = 5”), and uses η = 0.003 by default | VTW's released code |
| FLOPs | decoder prefill, per layer 2n(4d + 3m)d + 4n²d with n tokens, width d, FFN width m, a multiply-add counted as two; sizes from the model's config | reproduces the totals published for VTW to rounding |
| KV cache | keys and values of the prompt, all layers, at the precision in use | model config |
| prefill, decode | wall clock on this server, added up from layers that were timed one by one, with and without the image | this run |

What withdrawal does **not** save: the vision encoder's work, and the decoding of each new token
through all layers. On a small model with a short prompt the measured times hardly differ; the
theory's saving needs many visual tokens and a large model.

## MustDrop’s other answer
VTW withdraws all visual tokens at one layer. MustDrop (arXiv 2411.10803) judges each token separately, in
three stages, as in the released code:

1. **Vision encoding.** After the encoder’s first layer, windows of 3 × 3 similar patches become one token. A
   key set, the 8% of the tokens to which [CLS] gives most in the encoder’s last layer, may not be dropped later.
2. **Prefill.** After four decoder layers (2, 6, 10 and 14 of 32) a token is dropped when the text as a whole *and*
   every single text row give it too little attention, and it is not a key token.
3. **Decoding.** The cache of those layers keeps only the tokens that are left at the end.

Both are compared at an equal number of visual tokens, averaged over the decoder’s layers. MustDrop relies on
attention, VTW on depth. Choosing takes time of its own: reported at 320 tokens on LLaVA-NeXT-7B
(POPE), MustDrop needs fewer FLOPs than FastV and takes longer.
"""

# ------------------------------------------------------------------ every K, as charts
KL_TITLE = "How far the answer moves when the image leaves at layer K"
KL_AXIS = "KL(P withdrawn ‖ P full), nats"
KL_CAPTION = (
    "KL(P withdrawn ‖ P full) in nats over the whole vocabulary, the image withdrawn from layer K on: at the first "
    "answer token, and mean and maximum over the {tokens} positions of the baseline's answer, teacher-forced at every "
    "K. K = L is the baseline, KL 0, which a log axis cannot show."
)
KL_SUMMARY = (
    "At η = {eta:g} nats the first answer token gives K* = {star}, the mean over the answer {mean}, its maximum {max}, "
    "of {layers} layers: each the first K from {first} on with at most η."
)
COST_TITLE = "What each K costs"
COST_AXIS = "% of the baseline"
COST_FLOPS = "prefill FLOPs, theory"
COST_KV = "KV cache of the prompt"
COST_TIME = "prefill time, measured layer by layer"
COST_CAPTION = (
    "Shares of what K = L costs. FLOPs: {convention}; bytes of the prompt's KV cache; seconds "
    "of the prefill, added up from layers that were timed one by one, each with and without the image."
)
COST_SUMMARY = (
    "At K = {k} the prefill takes {flops:.0%} of the FLOPs and the prompt {kv:.0%} of the KV cache."
)
EVERY_K_TITLE = "The answer at every K"
EVERY_K_CAPTION = "The answer is decoded separately at each K; FLOPs: {convention}."
EVERY_K_SUMMARY = "At {same} of {all} K the answer is the baseline's, token for token."

REPORT = "Report (.html)"
REPORT_TITLE = "Visual token withdrawal: one run"
REPORT_EVERY_K = "Every K"
REPORT_ASKED = "Question"
REPORT_BASELINE = "Answer with the image in all layers"
REPORT_WITHDRAWN = "Answer with the image withdrawn from layer K* = {k} of {layers} on"
REPORT_FACTS = (
    "{model} ({type}), {layers} layers; {visual} visual and {words} text tokens; {dtype} on {device}; recorded {created}; "
    "{versions}."
)
