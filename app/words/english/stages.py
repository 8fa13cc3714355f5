"""Every sentence about MustDrop's stages: the viewer, its flow and its tables."""

SECTION = "MustDrop, stage by stage: every dropped token and why"

STAGES = {
    "betweenSentences": " ",
    "betweenParts": ", ",
    "name": "MustDrop, stage by stage",
    # A visitor who has never heard of MustDrop reads these two sentences first.
    "plain": "MustDrop saves work by dropping parts of the picture in three places: it merges neighbouring patches that look alike, drops in some layers those that the text hardly looks at, and keeps only the rest in memory while the answer is written. Move through the stages and point at a patch: it says what became of it, and why.",
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
        "stayed": "reached the last layer",
        "left": "dropped after layer {layer}",
        "throughout": "in every layer’s cache",
        "early": "only in the caches of layers 0–{layer}",
        "first": "only in the cache of layer 0",
        "nowhere": "in no layer’s cache",
        "none": "no token represents this patch",
    },
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
    "verdict": {
        "fell": "Dropped after layer {layer}: its {share} of all attention on the image is under γ = {gamma}, and its peak of {peak} is under α = {alpha}.",
        "both": "After layer {layer} it stayed: its {share} of all attention on the image reaches γ = {gamma}, and its peak of {peak} reaches α = {alpha}.",
        "global": "After layer {layer} it stayed: its {share} of all attention on the image reaches γ = {gamma}, though its peak of {peak} is under α = {alpha}.",
        "individual": "After layer {layer} it stayed: one text token gives it {peak}, which reaches α = {alpha}, though its {share} of all attention on the image is under γ = {gamma}.",
        "protected": "After layer {layer} it stayed only as part of the key set: its {share} of all attention on the image is under γ = {gamma}, and its peak of {peak} is under α = {alpha}.",
        "gone": "After layer {layer} it was no longer there.",
    },
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
FLOW_CAPTION = "Visual tokens that each decoder layer sees in the prefill, and that its KV cache keeps for decoding; one prompt, MustDrop with γ = {gamma}, α = {alpha}, stages {stages}. Patches they represent: a merged token stands for all patches of its window."
FLOW_SUMMARY = "{first} tokens enter the decoder, {last} reach its last layer; {mean:.1f} per layer on average, {cached:.1f} in the KV cache."
TOKENS_TITLE = "Every visual token"
TOKENS_COLUMNS = ("token", "grid", "row", "column", "patches", "key set")
TOKENS_FATE = "layer {layer}: fate"
TOKENS_SHARE = "layer {layer}: share of all attention on the image"
TOKENS_PEAK = "layer {layer}: most from one text row"
TOKENS_SAVE = "Every token with its share, peak and fate (CSV)"
FATES = (
    "already gone", "dropped", "stayed: share and peak", "stayed: share", "stayed: peak",
    "stayed: key set",
)  # fmt: skip
YES, NO = "yes", "no"

# ------------------------------------------------------------------ notices
NOTHING = "MustDrop is not among the methods shown above. Choose it in a panel and compare: every token that it drops is shown here, with the reason."
WHICH = "Which run"
NO_PICTURE = "The picture of this run is not available, so the model cannot run again: a saved run does not include it. Ask about a picture on Compare first."
BROKE = "The run with these thresholds failed; the previous run is shown."
