"""Every sentence about what happens inside a run: figures, and the tabs that show them."""

TAB_SINKS = "Attention sinks"
TAB_MIGRATION = "Information migration"
NO_INSIDE = (
    "Nothing was recorded inside this run. Press **Run both sides** on the *Compare* tab to run "
    "it again with recording on, then come back."
)
SINKS_INTRO = (
    "Each text token spreads an attention of 1 over everything before it. "
    "**Where does it go, layer by layer, and how little is left for the picture?**"
)
MIGRATION_INTRO = (
    "If the picture can leave at layer K, its information must have moved into the text tokens by then. "
    "**Attention only suggests this; replacing the picture behind the model's back tests it.**"
)

# ------------------------------------------------------------------ names used by several figures
SEGMENTS = {
    "bos": "BOS",
    "system": "system prompt",
    "visual": "image",
    "question": "question",
    "answer": "answer",
}
ROWS = {
    "last_prompt": "last prompt token (predicts the first answer token)",
    "all_text": "all text tokens after the image",
    "question": "question tokens",
    "answer": "answer tokens",
}
ROWS_IN_WORDS = {
    "last_prompt": "the last prompt token",
    "all_text": "all text tokens after the image",
    "question": "the question's tokens",
    "answer": "the answer's tokens",
}
ONE_ROW = "the token “{piece}” (position {position})"
HEADS_MEAN = "mean over all {heads} heads"
ONE_HEAD = "head {head} of {heads}"
LAYER = "layer"
LAYER_NUMBER = "layer {layer}"
STATE_NUMBER = "state {state}"
STATE = "state"
HEAD = "head"
POSITION = "position in the prompt, then in the answer"
TOKEN_AT = "{position}: {piece}"
TEXT_TOKEN = "text token"
SHARE_UNIT = "share of attention"
PROBABILITY_UNIT = "probability"
NATS = "nats"

# ------------------------------------------------------------------ attention sinks
SINKS_TITLES = {
    "mass": "Where the attention goes, by segment",
    "received": "Which tokens receive it: every position, every layer",
    "heads_sink": "BOS and system prompt, by head",
    "heads_visual": "Image, by head",
    "layer_map": "Attention of layer {layer}",
    "layer_sheet": "Attention of every layer",
    "looks": "The same for all layers, to save",
    "sink_table": "The tokens that receive the most",
    "visual_table": "The visual tokens that receive the most",
    "massive_table": "Massive activations",
}
MASS_CAPTION = "Sum of softmax attention weights over the keys of each segment; query rows: {rows} (mean over them); {heads}; {withdrawn}. Each column sums to 100%."
NOTHING_WITHDRAWN = "nothing withdrawn"
WITHDRAWN_AT = "image withdrawn from layer K = {k} on, teacher-forced on the baseline's answer"
MASS_SUMMARY = "In the last layer {first:.1%} of the attention goes to BOS and system prompt and {visual:.1%} to the image; the image's largest share is {most:.1%}, in layer {layer}."
RECEIVED_CAPTION = "Mean softmax weight that a position receives over all rows that can see it, its own included (few rows see the last positions); mean over heads; nothing withdrawn; all layers on one scale."
RECEIVED_SUMMARY = "Over the deeper half of the layers “{piece}” ({segment}, position {position}) receives the most: {received:.1%} of the attention of the rows that see it, {times:.1f} times an even spread."
HEADS_CAPTION = "Sum of softmax weights on {segments}; query rows: {rows} (mean over them); nothing withdrawn; one scale from 0 to 100% for both maps."
HEADS_SUMMARY = "The largest share on {segments} is {most:.1%} (layer {layer}, head {head}); the mean over all heads and layers is {mean:.1%}."
SINK_SEGMENTS = "BOS and system prompt together"
VISUAL_SEGMENT = "the image"
QUERY = "query"
KEY = "key"
MAP_CAPTION = "Softmax weights, mean over heads, nothing withdrawn: rows are queries, columns keys; {bins} Log scale; the empty half is the future, which no row sees."
BINS_ONE = "one cell for each pair of positions."
BINS_MANY = "about {width:.3g} positions per cell, mean over queries and sum over keys, so that each row sums to 1."
MAP_SUMMARY = "In layer {layer} the brightest column is “{piece}”: {share:.1%} of the attention, mean over all queries."
PATCH_ROW = "patch row"
PATCH_COLUMN = "patch column"
LOOKS_LAYER = "{layer}: {share:.0%}"
LOOKS_CAPTION = "Softmax weights on each patch of the first grid; query rows: {rows} (mean over them); mean over all {heads} heads; {withdrawn}; one scale for all layers; the number beside each layer is the sum over the image with nothing withdrawn. Layers without the image are empty."
LOOKS_SUMMARY = (
    "The image gets the most in layer {layer}, {share:.1%}, and {last:.1%} in the last layer."
)
SHEET_CAPTION = "The map above for all layers, on one log scale: queries downwards, keys to the right. The framed one is the layer chosen above."
SHEET_SUMMARY = "All {layers} layers. The brightest column is at the same key in {same} of them."
SINK_COLUMNS = (
    "rank", "token", "segment", "position", "patch (row, column)", "attention received",
    "times an even spread", "value norm / median", "outlier score", "seen by rows",
)  # fmt: skip
SINK_TABLE_CAPTION = "Ranked by the mean weight received over the deeper half of the layers (layer {start} on), over heads and all rows that can see the token. Times an even spread: relative to rows that attend evenly to everything they see. Value norm: length of the value vector over the layer's median; sinks tend to have short ones. Outlier score: largest |component| over the layer's median."
SINK_TABLE_SUMMARY = "“{piece}” ({segment}) receives the most: {times:.1f} times an even spread."
VISUAL_TABLE_SUMMARY = (
    "Of the {count} visual tokens that receive the most, {border} are on the border of the grid."
)
PATCH = "{row}, {col}{border}"
PATCH_IN_GRID = "{row}, {col} of grid {grid}{border}"
ON_BORDER = " (border)"
MASSIVE_COLUMNS = ("token", "position", "first state", "strongest state", "score")
MASSIVE_CAPTION = "Positions with a component at least {threshold:.0f} times the median |component| of the layer's states (the relative half of the criterion of arXiv 2402.17762)."
MASSIVE_SUMMARY = "{count} positions have a massive activation."
MASSIVE_NONE = "No position has a massive activation: the largest component is {score:.0f} times the median (“{piece}”, state {state}). Small models rarely do."

# ------------------------------------------------------------------ information migration
MIGRATION_TITLES = {
    "joint": "Attention on the image, and what the image still does",
    "causal_kl": "Replace the image from layer l on: how far does the answer move?",
    "causal_probability": "… and how likely is the original answer then?",
    "settings_table": "Three settings at K = {k}",
    "shares": "Who still looks at the image?",
    "share_per_token": "Which text token looks at the image, and when",
    "lens": "What the model would say, state by state",
    "lens_probability": "When the answer is decided",
    "lens_patches": "What the patches would say, state {state}",
    "cosine": "Direction of the text tokens' states, image withdrawn at K = {k}",
    "norm_ratio": "Length of the text tokens' states, image withdrawn at K = {k}",
}
JOINT_SHARE = "Attention on the image"
JOINT_CAUSAL = "Image replaced from layer l on"
JOINT_KL = "Image withdrawn from layer K on"
JOINT_CAPTION = "Top: share of the attention of {rows} on the image, mean over heads; layer l is drawn between l and l + 1. {causal}Bottom: KL(P withdrawn at K ‖ P full), mean over the answer's {tokens} tokens, nats, teacher-forced on the baseline's answer. η = {eta:g}. Values below the end of an axis are not drawn."
JOINT_CAUSAL_CAPTION = "Middle: KL(P replaced ‖ P full) likewise, where the text attends to the image “{image}” instead from layer l on. "
JOINT_AGREE = "Attention and the causal test agree: no layer with little attention on the image (under {low:.0%} from there on) still needs it, and none with more attention goes unused."
JOINT_LOW_USED = "From layer {layers} on attention on the image stays under {low:.0%}, yet replacing the image there still moves the answer: little attention does not prove that the image is unused. "
JOINT_HIGH_UNUSED = "In layers {layers}, {low:.0%} or more of the attention is on the image, yet replacing it from there on does not move the answer: attention does not prove use. "
NO_COUNTERFACTUAL = "No other image was recorded for this run, so there is no causal test."
K_OR_L = "l or K: first layer that is changed"
AXIS_KL = "KL, nats, log scale"
AXIS_SHARE = "share"
AXIS_PROBABILITY = "probability per token"
OTHER_IMAGE = "image “{name}” from layer l on"
MISLED_CURVE = "image “{name}” below K, none from K on"
WITHDRAWN_CURVE = "withdrawn from layer K on"
ETA_MARK = "η = {eta:g}"
BASELINE_MARK = "original run"
CAUSAL_CAPTION = "KL(P ‖ P full) in nats, mean over the answer's {tokens} tokens, teacher-forced on the baseline's answer. Text rows attend to the true image in layers below l and to the other image's keys and values from l on; for comparison, no image from K on. Values below the end of the axis are not drawn; a KL of 0 cannot be shown on a log axis."
CAUSAL_SUMMARY = "With the image “{name}” the curve stays at or under η = {eta:g} from l = {at} of {layers} on; withdrawal does from K = {k} on."
CAUSAL_PROBABILITY_CAPTION = "Probability of the baseline's own answer, geometric mean over its {tokens} tokens, in the same runs, and in runs on the other image below K and without any image from K on."
CAUSAL_PROBABILITY_SUMMARY = "The original run gives its answer {baseline:.1%} per token; with the image “{name}” in every layer it is {other:.1%}, and without any image {never:.1%}."
SETTINGS_COLUMNS = (
    "setting", "KL to the original (nats)", "probability of its answer", "same likeliest tokens",
)  # fmt: skip
SETTINGS = {
    "never_seen": "(a) no image in any layer",
    "misled": "(b) the image “{image}” in layers below K = {k}, no image from K on",
    "withdrawn": "(c) the true image in layers below K = {k}, no image from K on",
}
SETTINGS_CAPTION = "Mean over the answer's tokens, teacher-forced on the baseline's answer; VTW's author argues for migration with this comparison. If (c) is like the original and (b) is not, the text had already absorbed the image before K."
SETTINGS_SUMMARY = "At K = {k}: KL {never} nats without an image, {misled} misled by the image “{name}”, {withdrawn} with the true image withdrawn."
SHARES_CAPTION = "Share of attention on visual tokens, mean over heads and rows, nothing withdrawn. Text: {rows}. Image: the visual tokens' own rows. Even: what {rows} would give if they attended evenly to everything they see."
SHARES_SUMMARY = "Text gives the image {first:.1%} in layer 0, at most {most:.1%} (layer {layer}), and {last:.1%} in the last layer."
TEXT_TO_VISUAL = "text to image"
VISUAL_TO_VISUAL = "image to image"
EVEN = "even spread"
PER_TOKEN_CAPTION = "Share of each text token's attention on the image, mean over heads, nothing withdrawn; one scale for all layers."
PER_TOKEN_SUMMARY = (
    "“{piece}” in layer {layer} gives the image the most: {most:.1%} of its attention."
)
LENS_CAPTION = "Logit lens: final norm and head applied to every state (state x enters layer x, the last one leaves the model) of the row that predicts answer token {t} (“{piece}”); its {count} likeliest tokens, likeliest first; colour: probability. {withdrawn}"
LENS_WITHDRAWN = "On the right, the same with the image withdrawn from layer K = {k} on."
LENS_WITHDRAWN_CURVE = "Dashed: with the image withdrawn from layer K = {k} on."
LENS_FIRST_ONLY = "Withdrawal is recorded for the first answer token only."
LENS_LEADS = "“{piece}” first leads in state {first} and stays in the lead from state {stays} on."
LENS_LEADS_NOT = "“{piece}” never leads to the end: the answer was sampled."
LENS_LEADS_AT_K = " Withdrawn at K = {k}, it first leads in state {first}."
LENS_NEVER_AT_K = " Withdrawn at K = {k}, it never leads."
RANK = "{rank}."
LENS_PROBABILITY_CAPTION = (
    "Probability of “{piece}” (answer token {t}) by the logit lens in every state. {withdrawn}"
)
LENS_FULL = "nothing withdrawn"
LENS_AT_K = "withdrawn at K = {k}"
LEADS_MARK = "leads"
PATCHES_CAPTION = "Logit lens on the visual tokens of grid {grid}: likeliest token of each patch in state {state}, colour: its probability."
PATCHES_SUMMARY = "The likeliest word of most patches is “{piece}” ({count} of {patches})."
ROW = "row"
COLUMN = "column"
COSINE_CAPTION = "Cosine between a text token's state with the image withdrawn at K = {k} and its state with nothing withdrawn, teacher-forced on the baseline's answer. State x enters layer x; up to state K both are the same. One scale for all K."
STATE_UNITS = {"cosine": "cosine", "norm_ratio": "norm ratio"}
COSINE_SUMMARY = "The least similar state is “{piece}” in state {state}: cosine {least:.3f}."
NORM_CAPTION = "Length of a text token's state with the image withdrawn at K = {k}, over its length with nothing withdrawn. One scale for all K."
NORM_SUMMARY = "The largest change in length is “{piece}” in state {state}: {most:.3f} times."
SIMILARITY_SAME = "K = L: nothing is withdrawn, so every state is the same."

# ------------------------------------------------------------------ parts of the page
CHART = {
    "afterTitle": ". ",
    "save": "Save as a file: ",
    "failed": "The drawing could not be loaded: check the connection and reload the page. Its numbers are in the CSV.",
    "inEnglish": " (drawn in English, since this server has no font for the page's language)",
}
FIGURE_GONE = "This figure no longer exists: open the tab again."
KBAR = {
    "k": "K = {k} of {layers}: image leaves here",
    "short": "K = {k} of {layers}",
    "atL": "K = L = {layers}: image stays",
    "earlier": "One layer earlier",
    "later": "One layer later",
    "model": "model {model}",
}
GAZE = {
    "betweenSentences": " ",
    "title": "Where it looks",
    "how": "Choose a word: the picture shows, layer by layer, which patches it attends to. Click a patch: the words light up by how much each of them attends to it.",
    "howServed": "Choose a word: the picture shows, layer by layer, which patches it attends to. Click a patch: the words light up by how much each of them attends to it. This run is large, so each choice is fetched from the server.",
    "wordsLabel": "Text tokens after the image; arrow keys choose one",
    "largeLabel": "Attention of the chosen word on each patch; arrow keys move a cursor over the patches, Escape removes it.",
    "sheetLabel": "The same in every layer; press one to enlarge it",
    "layer": "Layer {layer}",
    "own": "normalise each layer",
    "withdraw": "withdrawn at K = {k}",
    "backdrop": "show the picture",
    "bar": "share of the word's attention on one patch",
    "grid": "grid {grid}",
    "gridOfImage": "grid {grid}, picture {image}",
    "whichImage": "Show",
    "everyImage": "every picture",
    "image": "picture {image} alone",
    "gone": "Layer {layer} does not see the image: it is withdrawn from layer K = {k} on.",
    "goneReadout": "Withdrawn: from layer K = {k} on there is no visual token to look at, so layer {layer} gives the image nothing.",
    "goneShort": "none",
    "patch": "row {row}, column {col}",
    "patchInGrid": "row {row}, column {col} of grid {grid}",
    "noPatch": "a token that represents no patch",
    "readout": "Layer {layer}: “{piece}” gives the image {mass} of its attention, most of it to the patch in {patch}: {most}.",
    "reads": "It gives {share} to the chosen patch in {patch}; “{reader}” attends to that patch most, with {most}.",
    "clickPatch": "Click a patch to see which words attend to it.",
    "thumb": "Layer {layer}: {mass} of the attention is on the image",
    "thumbGone": "Layer {layer}: the image is withdrawn",
}
GAZE_DEFINITION = "Softmax attention weights of one text token on each visual token, mean over all {heads} heads, nothing withdrawn; below each layer the sum over the image. One scale for all layers of a word, from 0 to its largest weight, unless each layer is normalised; over the picture, low attention is drawn transparent. Layers below K are the same with the image withdrawn at K."
GAZE_NO_PICTURE = " A saved run does not include the picture, so only the grid is shown."
GAZE_OTHER_SHAPE = " The picture ({width} × {height}) has a different shape from the grid ({rows} × {cols} patches): it is stretched over it here, while the model may have padded or cropped it."

# ------------------------------------------------------------------ controls
CONTROL_ROWS = "Whose attention"
CONTROL_HEAD = "Head"
CONTROL_HEAD_MEAN = "mean over all heads"
CONTROL_HEAD_ONE = "head {head}"
CONTROL_WITHDRAWN = "with the image withdrawn at K (mean over heads)"
CONTROL_LOG = "Logarithmic colours"
CONTROL_LAYER = "Layer of the map"
CONTROL_IMAGE = "Other image"
CONTROL_TOKEN = "Answer token of the logit lens"
CONTROL_STATE = "State for the lens on patches"
GRID_OF_IMAGE = "{rows} × {cols}, picture {image}"
CONTROL_GRID = "Grid of patches"
SECTION_SEGMENTS = "Which tokens take the attention"
SECTION_GAZE = "What is left for the image"
SECTION_MAPS = "The attention maps themselves"
SECTION_TOKENS = "Which tokens are sinks"
SECTION_TOGETHER = "Attention and use, one above the other"
SECTION_CAUSAL = "The causal test: replace the image behind the model's back"
SECTION_ATTENTION = "What attention says"
SECTION_LENS = "What the states already say"
SECTION_STATES = "What withdrawal does to the text's states"

# ------------------------------------------------------------------ verdicts
VERDICT_SINK = "**There is an attention sink:** position {position} ({segment}) alone takes {share:.1%} of the attention of {rows}, from layer {start} to the last. "
VERDICT_NO_SINK = "**No single token is an attention sink in all deep layers:** the strongest one before these rows, position {position} ({segment}), takes {share:.1%} of the attention of {rows} from layer {start} on; {least:.0%} would count as one. "
VERDICT_PEAK = (
    "Single layers differ: in layer {layer}, position {position} ({segment}) takes {share:.1%}. "
)
VERDICT_NOTHING_BEFORE = "**No token comes before these rows, so there is no sink to speak of.** "
VERDICT_FROM = "From layer {from_layer} on, BOS and system prompt together receive more than the image: {first:.1%} against {visual:.1%}, which is {token:.2%} for each of {count} visual tokens ({even:.1%} in all if spread evenly). "
VERDICT_NEVER = "The image receives more than BOS and system prompt up to the last layer: {visual:.1%} against {first:.1%} over the deeper half ({even:.1%} if spread evenly). "
VERDICT_KL = "Does that make it useless there? Withdrawn from layer {start} on, the KL is {kl} nats at the first token and {mean} over the answer, and the answer {same}."
VERDICT_SAME = "stays the same"
VERDICT_OTHER = "changes"

# ------------------------------------------------------------------ the visitor's own causal test
OTHER_UPLOAD = "Test with your own picture"
OTHER_EXAMPLE = "... or with an example's picture"
OTHER_NO_PICTURE = "The picture of this run is not available: a saved run does not include it. Ask about a picture on *Compare* first."
OTHER_ELSEWHERE = "Choose the other picture again: the file did not arrive as an upload."
OTHER_BROKE = "The causal test failed; the run is unchanged."
