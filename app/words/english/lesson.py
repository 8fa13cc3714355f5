"""Every sentence of the lesson. Numbers in braces come from the run that is shown."""

SPACE = "␣"
LESSON = {
    "betweenSentences": " ",
    "open": "Lesson in ten steps",
    "name": "Lesson",
    "progress": "Step {step} of {steps}",
    "back": "Back",
    "next": "Next",
    "finish": "Finish",
    "close": "Close the lesson",
    "less": "Minimise the lesson",
    "questionAlone": "Show only the question",
    "more": "Show the lesson",
    "again": "Back to this step’s view",
    "right": "Right.",
    "wrong": "Not quite.",
    "score": "{right} of {count} right on the first try.",
    "checkK": "Check K = {k}",
    "about": "Shown now",
    "steps": "Steps of the lesson",
    "go": "Step {step}: {title}",
    "keys": "Keys, while the lesson has the focus: → next, ← back, Esc closes.",
}

STEPS = {
    "tokens": {
        "title": "What the model sees",
        "lead": "A vision encoder turns the picture into tokens, which go through the layers of the language model (the decoder) like words. Visual Token Withdrawal (VTW) takes them out on the way.",
    },
    "cost": {
        "title": "What a layer costs",
        "lead": "Each layer computes on every token; VTW takes the visual ones out from layer K on. The chart shows what is left of the prefill (reading the prompt), in FLOPs (arithmetic operations).",
    },
    "sink": {
        "title": "Where attention goes",
        "lead": "In each layer a token spreads an attention of 1 over everything before it. The chart shows where the prompt’s last token, which predicts the answer’s first, spends it.",
    },
    "use": {
        "title": "Is attention proof of use?",
        "lead": "The test: from one layer on, the text secretly reads another picture. Where the answer then hardly moves any more (KL, the middle curve), what it needed is already in the text tokens: information migration.",
    },
    "guess": {
        "title": "Choose K by hand",
        "lead": "Drag K to the left: the image leaves earlier and more is saved. The curves are covered; watch the second answer.",
    },
    "blind": {
        "title": "What one token does not show",
        "lead": "VTW chooses K by the first token of the answer alone. The strip shows the KL at every token of this description.",
    },
    "saved": {
        "title": "What is saved, what is not",
        "lead": "FLOPs are counted, times are measured on the machine that made the run. Compare both sides.",
    },
    "mustdrop": {
        "title": "MustDrop’s other answer",
        "lead": "VTW keeps every visual token, then none. MustDrop, a later method, judges each token separately: in the vision encoder, in the prefill, while decoding.",
    },
    "break": {
        "title": "Try to break VTW",
        "lead": "Draw shapes, ask about them, press Run both sides. This step needs the model; you may also go on.",
    },
    "summary": {
        "title": "Five questions",
        "lead": "What you should be able to tell someone else now.",
    },
}
UNAVAILABLE = "This run cannot answer the question: {problem}"
NO_RUN = "nothing is shown yet."
OWN_RUN_FIRST = "Noted. Now draw, ask and press Run both sides."

# ------------------------------------------------------------------ 1 and 2: tokens and their cost
HOW_MANY_TOKENS = "How many tokens does the decoder get for this picture?"
ONE_GRID = "{rows} × {cols} patches, one visual token each: {visual} of the prompt’s {prompt} tokens, or {share:.0%}, come from the picture; {words} are text."
SEVERAL_GRIDS = "{visual} visual tokens, more or fewer than the {rows} × {cols} patches of the first grid: {share:.0%} of the prompt’s {prompt} tokens come from the picture; {words} are text."
WHAT_IS_SAVED = "The image leaves halfway, at K = {k} of {layers}. How much of the prefill’s FLOPs does that save?"
SAVED = "A layer costs {ratio:.1f} times as much with the image as without. {without} of {layers} layers without it save {saved:.0%}; withdrawing it from every layer would save {most:.0%}. The rest is text."

# ------------------------------------------------------------------ 3: the sink
WHERE_IS_THE_SINK = "In layer {layer}, which single token before the question gets the most attention? (The image is many tokens.)"
TOKEN_CHOICE = "“{piece}” ({segment}, position {position})"
NONE_OF_THEM = "none stands out"
IS_A_SINK = "“{piece}” alone takes {share:.0%}, {times:.0f} times an even share: an attention sink, which draws attention whatever it says. In the VTW paper’s deep layers the first and the nearest tokens take most; here BOS and system prompt get more than the image in {first} of {deep} deep layers."
IS_NEARLY_A_SINK = "“{piece}” alone takes {share:.0%}, {times:.0f} times an even share, though less than the {threshold:.0%} that counts as an attention sink. In the VTW paper’s deep layers the first and the nearest tokens take most; here BOS and system prompt get more than the image in {first} of {deep} deep layers."
IS_NO_SINK = "Even the strongest, “{piece}”, takes {share:.1%} in layer {layer}, {times:.1f} times an even share: this run has no attention sink to speak of. In the deep layers of the VTW paper’s models the first and the nearest tokens take most of the attention."

# ------------------------------------------------------------------ 4: attention and use
NO_TEST = "it was never tested with another image. Choose “Back to this step’s view”."
WHICH_IS_USED = "The text gives the image {low_share:.0%} of its attention in layer {low}, {high_share:.0%} in layer {high}. Starting from which of the two does another picture move the answer more?"
USE_CHOICES = (
    "from layer {low} on ({low_share:.0%} attention)",
    "from layer {high} on ({high_share:.0%} attention)",
    "neither moves it",
)
WRONG_WAY_ROUND = "From layer {low} on, another picture (“{image}”) moves the answer by {low_kl} nats, from layer {high} on by {high_kl}: attention ranks them the wrong way round. Little attention can matter, and much can be idle."
RIGHT_WAY_ROUND = "From layer {low} on, another picture (“{image}”) moves the answer by {low_kl} nats, from layer {high} on by {high_kl}: here attention ranks them correctly, but only replacing the picture could tell."
NEITHER_USED = "From layer {low} on, another picture (“{image}”) moves the answer by {low_kl} nats, from layer {high} on by {high_kl}, both at most η = {eta:g}: this answer needed the image in neither, whatever the attention."

# ------------------------------------------------------------------ 5 and 6: choosing K
GUESS_K = "How far left can K go with the answer unchanged? Drag it there, then check."
ANSWER_CHANGED = "At K = {guess} the answer changes: the image left too early. K trades compute saved against how far the answer moves. VTW takes K* = {star} of {layers}, the first K with a KL of at most η = {eta:g} nats."
HELD_OVER_ETA = "The words stay the same at K = {guess}, but their probabilities already move: KL {kl} nats. K trades compute saved against that; VTW is more careful and takes K* = {star} of {layers}, the first K with at most η = {eta:g} nats."
GOOD_K = "The words stay the same at K = {guess}, and the KL is only {kl} nats. K trades compute saved against how far the answer moves. VTW takes K* = {star} of {layers}, the first K with at most η = {eta:g} nats."
TOO_LATE = "The words stay the same at K = {guess}, but the image could have left earlier: VTW takes K* = {star} of {layers}, the first K with a KL of at most η = {eta:g} nats, and saves another {lost:.0%} of the prefill’s FLOPs. K trades such savings against how far the answer moves."
DOES_IT_SURVIVE = "By the first token alone, the image may leave at K = {k}. Does the whole answer read the same there?"
SURVIVE_CHOICES = ("it reads the same", "it reads differently")
BLIND_AND_CHANGED = "At K = {k} the first token, “{first_piece}”, has a KL of {first_kl} nats, at most η = {eta:g}; but “{piece}”, token {position} of {count}, has {worst_kl}. Only from K = {whole} on is every token kept. VTW fails where the image is needed later than the first token."
BLIND_AND_SAME = "It reads the same, yet at K = {k} “{piece}”, token {position} of {count}, has a KL of {worst_kl} nats, while the first, “{first_piece}”, has {first_kl}: only K = {whole} keeps every token under η = {eta:g}. A criterion on one token does not see it."
NOT_BLIND = "Here the first token tells as much as all {count}: K = {whole} keeps every one at or under η = {eta:g}; the worst, “{piece}”, has {worst_kl} nats at K = {k}."

# ------------------------------------------------------------------ 7: what is not saved
IS_DECODING_FASTER = "K = {k} saves {saved:.0%} of the prefill’s FLOPs. How much faster does each further token of the answer come (decode)?"
DECODING_CHOICES = (
    "as much as the prefill, or more",
    "at least half as much",
    "less than half as much, if at all",
)
NOT_SAVED = (
    "Measured at K = {k}: the prefill takes {prefill:.0%} of the baseline’s time, each further token {decode:.0%}; the vision encoder ({encode:.3g} ms) is needed all the same. Usually decoding gains less: it computes one token at a time and only reads a shorter cache.",
    "Measured at K = {k}: the prefill takes {prefill:.0%} of the baseline’s time, each further token {decode:.0%}: decoding computes one token at a time and only reads a shorter cache. The vision encoder ({encode:.3g} ms) is needed all the same.",
    "Measured at K = {k}: the prefill takes {prefill:.0%} of the baseline’s time, each further token {decode:.0%}: decoding computes one token at a time and only reads a shorter cache. The vision encoder ({encode:.3g} ms) is needed all the same, and so is the text: {words} tokens beside {visual} visual ones.",
)
NO_DECODING = "This answer is a single token, which the prefill itself gives: at K = {k} the prefill takes {prefill:.0%} of the baseline’s time, the vision encoder ({encode:.3g} ms) is needed all the same, and there is nothing to decode."

# ------------------------------------------------------------------ 8: MustDrop
MEAN_OF_VTW = "Methods are compared at one budget: visual tokens per layer, on average. What is it for VTW at K = {k} of {layers}, with {visual} of them?"
OTHER_ANSWER = "{visual} tokens in {k} layers and 0 in {without}: {mean:.0f} on average. MustDrop spends about as many token by token: similar patches are merged, those the text hardly looks at are dropped in four steps, key tokens stay to the end, and the cache is thinned."

# ------------------------------------------------------------------ 9: break it
WILL_IT_BREAK = "Predict first: at the K* that the first token allows, will the answer be the same as with the image in every layer?"
BREAK_CHOICES = ("the same, token for token", "another answer")
IT_HELD = "It held: at K* = {k} of {layers} the answer is still “{answer}”. Try a description of several shapes, where the first token says little."
IT_BROKE = "You broke it: at K* = {k} of {layers}, which the first token allows, the answer is “{withdrawn}” instead of “{answer}”."
NOTHING_TO_WITHDRAW = "K* = L = {layers}: at η = {eta:g} no layer can do without the image here, so nothing was withdrawn and nothing can break."

# ------------------------------------------------------------------ 10: (question, choices, index of the right one, why)
QUIZ = (
    (
        "What is an attention sink?",
        (
            "A patch of the picture that the answer depends on",
            "A token, often the first, that takes much attention whatever is asked",
            "A deep layer that no longer looks at the picture",
        ),
        1,
        "Each token must spend an attention of 1; what is not needed elsewhere lands there.",
    ),
    (
        "What is information migration?",
        (
            "What the answer needs of the picture passes into the text tokens",
            "Attention moves from the picture to the first token",
            "Visual tokens move from the prompt into the cache",
        ),
        0,
        "From there on the visual tokens can leave. Another picture, swapped in behind the text’s back, shows whether it has happened.",
    ),
    (
        "What does K trade?",
        (
            "Time of the prefill against time of decoding",
            "Number of visual tokens against detail in the picture",
            "Compute saved against how far the answer may move",
        ),
        2,
        "A smaller K spares more layers the image; the KL says how far the answer moves.",
    ),
    (
        "When does VTW fail?",
        (
            "When the first token does not need the picture, but later ones do",
            "When deep layers give the picture little attention",
            "When the prompt is mostly picture",
        ),
        0,
        "Its criterion looks at the first token only. Later studies report the same: multiple choice holds up, long answers suffer.",
    ),
    (
        "Why is low attention no proof that the image is unused?",
        (
            "Because the sink hides the picture from the decoder",
            "Because deep layers only ever look at text",
            "Because weights say how much is read, not what it does; only changing the picture tells",
        ),
        2,
        "Many small weights can carry the answer, and a large one can carry nothing.",
    ),
)
