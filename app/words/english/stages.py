"""Every sentence about what became of each visual token: the viewer, its flow and its tables."""

SECTION = "Token by token: what each method dropped, and why"

STAGES = {
    "betweenSentences": " ",
    "betweenParts": ", ",
    "name": "What became of each visual token",
    # A visitor who has never heard of MustDrop reads these two sentences first.
    "plain": "MustDrop saves work by dropping parts of the picture in three places: it merges neighbouring patches that look alike, drops in some layers those that the text hardly looks at, and keeps only the rest in memory while the answer is written. Move through the stages and point at a patch: it says what became of it, and why.",
    "plainScores": "{label}: after some layers this method gives each visual token a score and drops those with the lowest. Move through these decisions and point at a patch: it says after which layer it left or stayed, with which score.",
    "stepLabel": "Stage; arrow keys move",
    "play": "Play",
    "pause": "Pause",
    "steps": {
        "patches": "Patches",
        "merged": "After merging",
        "filter": "After layer {layer}",
        "last": "Last layer",
        "cache": "KV cache",
    },
    "short": {
        "patches": "patches",
        "merged": "merged",
        "filter": "layer {layer}",
        "last": "last",
        "cache": "cache",
    },
    "about": {
        "patches": "The vision encoder cuts the picture into {patches} patches; each starts as a token of its own.",
        "merged": "{windows} windows of patches that look alike became one token each, outlined here: {patches} patches are now {tokens} tokens. The key set of {keys} (dashed frames) may not be dropped later.",
        "unmerged": "Stage a is off: nothing is merged, and no token is in a key set.",
        "filter": "The filter after layer {layer} judged the {before} tokens that were left: {fell} were dropped, {after} go on.",
        "last": "What the last layer still sees: {after} of {tokens} tokens. The numbers say after which layer the others were dropped.",
        "cache": "What decoding reads while the answer is written: {mean} tokens per layer on average, {every} of them in every layer’s KV cache.",
    },
    # Names of the states in the legend.
    "states": {
        "patch": "a token of its own",
        "single": "not merged",
        "merged": "merged window",
        "gone": "already gone",
        "fell": "dropped: below both thresholds",
        "both": "stayed: γ and α both reached",
        "global": "stayed: share reaches γ",
        "individual": "stayed: peak reaches α",
        "protected": "below both, but in the key set",
        "kept": "stayed",
        "stayed": "reached the last layer",
        "left": "dropped after layer {layer}",
        "throughout": "in every layer’s cache",
        "early": "only in the caches of layers 0–{layer}",
        "first": "only in the cache of layer 0",
        "nowhere": "in no layer’s cache",
        "none": "no token represents this patch",
    },
    "leftHere": "left",
    "keySet": "key set (dashed frame)",
    "legendLabel": "Legend with counts; press one to see only its patches",
    "legendHead": ["", "tokens", "patches"],
    "gridLabel": "The picture’s patches: arrow keys move a cursor, Page Up and Page Down change the stage, Escape removes the cursor.",
    "grid": "grid {grid}",
    "gridOfImage": "grid {grid}, picture {image}",
    "noPicture": "A saved run does not include the picture, so only the grid is shown.",
    "otherShape": "The picture has a different shape from the grid: it is stretched over it here, while the model may have padded or cropped it.",
    "extra": "{count} more visual tokens represent no patch (row ends or class tokens): counted, not drawn.",
    # The sentences about one patch.
    "hint": "Point at a patch, tap it, or move there with the arrow keys.",
    "place": "Row {row}, column {col}",
    "placeInGrid": "Row {row}, column {col} of grid {grid}",
    "alone": "a token of its own",
    "window": "one token with the {size} patches of its window",
    "key": "in the key set",
    "notKey": "not in the key set",
    "noToken": "no token represents this patch",
    "head": "{place}: {window}, {key}.",
    "headOnly": "{place}: {window}.",
    "verdict": {
        "fell": "Dropped after layer {layer}: its {share} of all attention on the image is under γ = {gamma}, and its peak of {peak} is under α = {alpha}.",
        "both": "After layer {layer} it stayed: its {share} of all attention on the image reaches γ = {gamma}, and its peak of {peak} reaches α = {alpha}.",
        "global": "After layer {layer} it stayed: its {share} of all attention on the image reaches γ = {gamma}, though its peak of {peak} is under α = {alpha}.",
        "individual": "After layer {layer} it stayed: one text token gives it {peak}, which reaches α = {alpha}, though its {share} of all attention on the image is under γ = {gamma}.",
        "protected": "After layer {layer} it stayed only as part of the key set: its {share} of all attention on the image is under γ = {gamma}, and its peak of {peak} is under α = {alpha}.",
        "gone": "After layer {layer} it was no longer there.",
    },
    # Of a method of which only the scores are known.
    "judgedLeft": "After layer {layer} it left: {scores}.",
    "judgedStayed": "After layer {layer} it stayed: {scores}.",
    "judgedReason": "The strategy’s reason: {reason}.",
    "scoreAlone": "{title} {value}",
    "scoreAgainst": "{title} {value} (threshold {threshold})",
    "scoreX": "visual token, in the order of the prompt",
    "scoreLabel": "{title} of each token that was judged after layer {layer}, in the order of the prompt; the dashed line is the threshold.",
    "thresholdLine": "Dashed line: the threshold, {threshold}.",
    "noThreshold": "There is no threshold.",
    "endStayed": "It reached the last layer, and every layer’s KV cache keeps it.",
    "endEarly": "The KV caches of layers 0–{layer} keep it while the answer is written.",
    "endFirst": "Only the KV cache of layer 0 keeps it while the answer is written.",
    "endNowhere": "No KV cache keeps it while the answer is written.",
    # The scatter plot of one filter.
    "scatterTitle": "Why: the filter after layer {layer}",
    "scatterX": "share of all attention on the image",
    "scatterY": "peak: most from one text token",
    "falls": "dropped",
    "scatterLabel": "Each token of the filter after layer {layer} by its share and its peak; tokens left of γ and below α are dropped, unless they are in the key set.",
    "noFilter": "Stage b is off: no filter runs, so nothing is dropped in the decoder.",
    # Thresholds.
    "controls": "Try other thresholds",
    "gamma": "γ, global threshold",
    "alpha": "α, individual threshold",
    "wanted": "or choose a mean number of visual tokens per layer",
    "stageA": "a · merge in the vision encoder",
    "stageB": "b · filter in the decoder",
    "stageC": "c · cut the KV cache",
    "measured": "Measured: the model ran with γ = {gamma} and α = {alpha}; {mean} visual tokens per layer on average.",
    "measuredOf": "Measured: {label}; {mean} visual tokens per layer on average.",
    "predicted": "Predicted for γ = {gamma} and α = {alpha}: {mean} visual tokens per layer on average.",
    "howFar": "Exact up to the filter after layer {layer}; an estimate after that, since the attention was recorded with other tokens left. Release to run the model with these.",
    "measuring": "The model is running with these thresholds …",
    "answer": "The answer with these stages: ",
    # The flow.
    "flowTitle": "Where the tokens go",
    "flowPatches": "patches",
    "flowTokens": "tokens",
    "flowLayers": "decoder layer",
    "flowSeen": "Visual tokens that each layer sees in the prefill",
    "flowCached": "Visual tokens in its KV cache, read for every answer token",
    "flowMerged": "merged",
    "flowFell": "dropped at {layer}",
    "flowSummary": "{patches} patches, {tokens} tokens after merging ({merged} fewer){falls}; {last} in the last layer. KV cache: {cached}.",
    "flowUnmerged": "{patches} patches, each a token of its own{falls}; {last} in the last layer. KV cache: {cached}.",
    "flowFall": ", {after} after layer {layer} ({fell} dropped)",
    "flowCachedRun": "{count} in layers {first}–{last}",
    "flowCachedOne": "{count} in layer {first}",
    "flowScale": "Heights are proportional to the number of tokens.",
    "save": "Save the flow chart as {format}",
    "terms": "What the words mean",
}

# One text for each term, after docs/strategies.md; (term, text).
TERMS = (
    ("window", "Stage a cuts the patch grid into 3 × 3 windows, smaller at the right and lower edge where 3 does not divide it. A window whose mean cosine similarity, over pairs of different patches after the encoder’s first layer, is at least 0.8 becomes one token: the mean of its patches, in the place of the first one."),
    ("key set", "Of each image’s N tokens left after merging, the ⌈0.08 N⌉ to which [CLS] gives most attention in the encoder’s last layer, mean over heads; in a tower without [CLS], those that get most from all tokens. The later stages may not drop them."),
    ("share", "A token’s part of the softmax attention that all text rows after the first visual token give to all visual tokens still there, mean over heads: Σᵢ Aᵢⱼ / Σᵢⱼ Aᵢⱼ. Taken in the filter’s own layer."),
    ("γ, global threshold", "The share that a token must reach to stay for the text as a whole."),
    ("peak", "The most that a single text row gives the token: maxᵢ Aᵢⱼ, out of the 1 that the row spreads over everything before it; mean over heads."),
    ("α, individual threshold", "The peak that a token must reach to stay for a single word."),
    ("dual-attention filter", "Stage b: after some layers (2, 6, 10, 14 of 32, scaled to the depth) a token is dropped if its share is below γ and its peak below α and it is not in the key set."),
    ("protected", "Below both thresholds, but in the key set: it stays."),
    ("output-aware cache", "Stage c: once the prefill is done, the KV caches of the layers from the first filter to the last keep only the visual tokens that the last layer saw. The other layers’ caches are left as they are."),
)  # fmt: skip

# Of a score, and of whose attention it is where the strategy has a choice: its name, its definition.
SCORES = {
    "attention last_token": ("attention", "Attention: softmax weight that the prompt’s last token gives the visual token, mean over heads, in per cent of all that the row spreads. The layer is the one behind which it is judged; the threshold is the lowest score that stayed."),
    "attention text_mean": ("attention", "Attention: softmax weight that the visual token gets, mean over heads and over all text rows after the first visual token, in per cent of all that a row spreads. The layer is the one behind which it is judged; the threshold is the lowest score that stayed."),
}  # fmt: skip
SCORE_OF_ITS_OWN = "The score that the strategy calls “{name}”, in the strategy’s own unit."

# ------------------------------------------------------------------ tables
TABLES = "The numbers as tables"
FLOW_TITLE = "Visual tokens, layer by layer"
FLOW_COLUMNS = (
    "step",
    "visual tokens",
    "patches they represent",
    "dropped here",
    "why",
    "in the KV cache",
)
FLOW_PATCHES = "patches"
FLOW_MERGED = "after merging"
FLOW_LAYER = "layer {layer}"
FLOW_WHY_MERGED = "{patches} patches of {windows} windows became {windows} tokens"
FLOW_WHY_FELL = (
    "after this layer: share below γ = {gamma}, peak below α = {alpha}, not in the key set"
)
FLOW_CAPTION = "Visual tokens that each decoder layer sees in the prefill, and that its KV cache keeps for decoding; one prompt, MustDrop with γ = {gamma}, α = {alpha}, stages {stages}. Patches they show: a merged token stands for all patches of its window."
FLOW_WHY_LEFT = "after this layer, by the score: {names}"
FLOW_CAPTION_OF = "Visual tokens that each decoder layer sees in the prefill, and that its KV cache keeps for decoding; one prompt, {label}. Patches they show: a merged token stands for all patches of its window."
LIST = ", "
FLOW_SUMMARY = "{first} tokens enter the decoder, {last} reach its last layer; {mean:.1f} per layer on average, {cached:.1f} in the KV cache."
TOKENS_TITLE = "Every visual token"
TOKENS_COLUMNS = ("token", "grid", "row", "column", "patches", "key set")
TOKENS_FATE = "layer {layer}: fate"
TOKENS_SHARE = "layer {layer}: share of all attention on the image"
TOKENS_PEAK = "layer {layer}: most from one text row"
TOKENS_SCORE = "layer {layer}: {name}"
TOKENS_SAVE = "Every token with its scores and fate (CSV)"
FATES = (
    "already gone", "dropped", "stayed: share and peak", "stayed: share", "stayed: peak",
    "stayed: key set",
)  # fmt: skip
FATES_BY_SCORE = ("had left before", "left", "stayed")
YES, NO = "yes", "no"

# ------------------------------------------------------------------ notices
NOTHING = "No method is compared above. Choose one in a panel, such as FastV or MustDrop, and compare: every token that it drops is shown here, with the reason."
NOT_JUDGED = "{label}: no token was judged by a score, so there is no reason to show token by token. Above stands how many tokens each layer sees."
NOT_TOLD = "{label}: not every token left by a score that was recorded, so they cannot be shown one by one. Above stands how many tokens each layer sees."
WHICH = "Which method"
NO_PICTURE = "The picture of this run is not here, so that the model cannot run again: a saved run does not hold it. Ask about a picture on Compare first."
BROKE = "The run with these thresholds failed; what is shown is the run before."
