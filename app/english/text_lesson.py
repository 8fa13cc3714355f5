"""Every sentence of the lesson. Numbers in braces come from the run that is shown."""

SPACE = "␣"
LESSON = {
    "betweenSentences": " ",
    "open": "Three-minute lesson",
    "name": "Lesson",
    "progress": "Step {step} of {steps}",
    "back": "Back",
    "next": "Next",
    "finish": "Finish",
    "close": "Close the lesson",
    "less": "Make the lesson small",
    "more": "Show the lesson",
    "again": "Back to this step’s view",
    "right": "Right.",
    "wrong": "Not quite.",
    "score": "{right} of {count} right at the first try.",
    "checkK": "Check K = {k}",
    "steps": "Steps of the lesson",
    "go": "Step {step}: {title}",
    "keys": "Keys, while the lesson has the focus: → next, ← back, Esc closes.",
}

STEPS = {
    "tokens": {
        "title": "What the model sees of a picture",
        "lead": "A vision encoder turns the picture into tokens that stand in the prompt like words, between the system prompt and your question.",
    },
    "cost": {
        "title": "What a layer costs",
        "lead": "Every decoder layer computes a state for every token. From layer K on, this page can take the visual ones out. The chart shows what is left to compute at each K: FLOPs count arithmetic operations, and the prefill is the reading of the prompt, before the answer’s first word.",
    },
    "sink": {
        "title": "Where attention goes: find the sink",
        "lead": "In each layer a token spreads an attention of 1 over everything before it. The chart shows, layer by layer, where that of the last prompt token goes: the one that says the answer’s first token.",
    },
    "use": {
        "title": "Is attention a proof of use?",
        "lead": "The test: from layer l on, the text reads another picture instead of yours, behind the model’s back. If the answer does not move (KL, middle curve: how far its probabilities shift), what the text needed of your picture had already moved into the text tokens. That is information migration.",
    },
    "guess": {
        "title": "Choose K by hand",
        "lead": "Drag K to the left: the image leaves earlier and more is saved. The curves are covered: you see the second answer alone. The KL grows before the words change, so leave a margin; then let the curves be shown.",
    },
    "blind": {
        "title": "What a criterion on one token does not see",
        "lead": "VTW’s criterion compares the first token of the answer. This answer is a description of many words; the strip shows the KL at each of them.",
    },
    "saved": {
        "title": "What is saved, and what is not",
        "lead": "FLOPs are counted; times are measured on the machine that made the run. Both sides stand here side by side.",
    },
    "mustdrop": {
        "title": "MustDrop’s other answer",
        "lead": "VTW keeps every visual token, then none. MustDrop judges each token by itself, over its whole life: in the vision encoder, in the prefill, while decoding.",
    },
    "break": {
        "title": "Try to break it",
        "lead": "Draw shapes, ask about them and press Run both sides. This step needs the model; everything else works on recorded runs. You may also go on.",
    },
    "summary": {
        "title": "Five questions",
        "lead": "What you should be able to tell someone else now.",
    },
}
UNAVAILABLE = "This run cannot answer the question: {problem}"
NO_RUN = "nothing is shown yet."
OWN_RUN_FIRST = (
    "Your prediction is kept: draw, ask and press Run both sides to see whether it comes true."
)

# ------------------------------------------------------------------ 1 and 2: tokens and their cost
HOW_MANY_TOKENS = "How many tokens does the decoder get for this picture?"
ONE_GRID = "{rows} × {cols} patches, one visual token each: {visual} of the prompt’s {prompt} tokens, or {share:.0%}, are picture; {words} are text."
SEVERAL_GRIDS = "{visual} visual tokens, more or fewer than the {rows} × {cols} patches of the first grid: {share:.0%} of the prompt’s {prompt} tokens are picture; {words} are text."
WHAT_IS_SAVED = "The image leaves halfway, at K = {k} of {layers}. Which part of the prefill’s FLOPs does that save?"
SAVED = "A layer costs {ratio:.1f} times as much with the image as without. {without} of {layers} layers without it save {saved:.0%}; leaving before the first layer would save {most:.0%}. What stays is the text."

# ------------------------------------------------------------------ 3: the sink
WHERE_IS_THE_SINK = "Look at layer {layer}. Which single token before the question takes most of the attention there? (BOS is one token; the image is many.)"
TOKEN_CHOICE = "“{piece}” ({segment}, position {position})"
NONE_OF_THEM = "none stands out"
IS_A_SINK = "“{piece}” alone takes {share:.0%}, {times:.0f} times an even spread: in this layer it is an attention sink. In the deep layers of the VTW paper’s models the first and the nearest tokens take most of the attention; here BOS and system prompt get more than the image in {first} of the {deep} deeper layers."
IS_NEARLY_A_SINK = "“{piece}” alone takes {share:.0%}, {times:.0f} times an even spread, though less than the {threshold:.0%} from which one speaks of an attention sink. In the deep layers of the VTW paper’s models the first and the nearest tokens take most of the attention; here BOS and system prompt get more than the image in {first} of the {deep} deeper layers."
IS_NO_SINK = "Even the strongest, “{piece}”, takes {share:.1%} in layer {layer}, {times:.1f} times an even spread: this run has no attention sink to speak of. In the deep layers of the VTW paper’s models the first and the nearest tokens take most of the attention."

# ------------------------------------------------------------------ 4: attention and use
NO_TEST = "it was never held against another image. Choose “Back to this step’s view”."
WHICH_IS_USED = "The text gives the image {low_share:.0%} of its attention in layer {low} and {high_share:.0%} in layer {high}. Exchange the image from one of them on: which moves the answer more?"
USE_CHOICES = (
    "from layer {low} on ({low_share:.0%} attention)",
    "from layer {high} on ({high_share:.0%} attention)",
    "neither moves it",
)
WRONG_WAY_ROUND = "From layer {low} on the image “{image}” moves the answer by {low_kl:.2g} nats, from layer {high} on by {high_kl:.2g}: attention ranks them the wrong way round. Little attention may be used, and much may be idle. (From l on means layer l and all later ones.)"
RIGHT_WAY_ROUND = "From layer {low} on the image “{image}” moves the answer by {low_kl:.2g} nats, from layer {high} on by {high_kl:.2g}: here attention ranks them rightly, but only the exchange could tell. (From l on means layer l and all later ones.)"
NEITHER_USED = "From layer {low} on the image “{image}” moves the answer by {low_kl:.2g} nats, from layer {high} on by {high_kl:.2g}, both at most η = {eta:g}: this answer needed the image in neither, whatever the attention."

# ------------------------------------------------------------------ 5 and 6: choosing K
GUESS_K = "Drag K as far left as you dare: the KL at the first token is to stay at most η = {eta:g} nats. Then check."
TOO_EARLY = "At K = {guess} the KL is {kl:.2g} nats, over η = {eta:g}. K* = {star} of {layers} is the first K at or under it: K trades what is saved for how far the answer moves."
GOOD_K = "At K = {guess} the KL is {kl:.1g} nats, at most η = {eta:g}. K* = {star} of {layers} is the first such K: K trades what is saved for how far the answer moves."
TOO_LATE = "At K = {guess} the KL is {kl:.1g} nats, which is safe, but K* = {star} of {layers} is under η = {eta:g} too and would save another {lost:.0%} of the prefill’s FLOPs: that is what K trades."
DOES_IT_SURVIVE = "Judged by the first token alone, the image may leave at K = {k} (η = {eta:g}). Does the whole answer read the same there?"
SURVIVE_CHOICES = ("it reads the same", "it reads differently")
BLIND_AND_CHANGED = "It reads differently. At K = {k} the first token, “{first_piece}”, has a KL of {first_kl:.1g} nats, so the criterion is met; but “{piece}”, token {position} of {count}, has {worst_kl:.2g}. Every token is kept only from K = {whole} on. VTW fails where what the image tells comes later than the first token."
BLIND_AND_SAME = "It reads the same, yet at K = {k} “{piece}”, token {position} of {count}, has a KL of {worst_kl:.2g} nats, while the first token, “{first_piece}”, has {first_kl:.1g}: only K = {whole} keeps every token under η = {eta:g}. The criterion looks at one token and does not see it."
NOT_BLIND = "Here the first token is no worse a witness than all {count}: K = {whole} keeps every one of them at or under η = {eta:g}; the worst, “{piece}”, has {worst_kl:.1g} nats at K = {k}."

# ------------------------------------------------------------------ 7: what is not saved
IS_DECODING_FASTER = "At K = {k}, {saved:.0%} of the prefill’s FLOPs are saved. By how much does each further token of the answer come faster?"
DECODING_CHOICES = (
    "by as much as the prefill, or more",
    "by at least half of what the prefill gains",
    "by less than half of that, if at all",
)
NOT_SAVED = (
    "Measured at K = {k}: the prefill takes {prefill:.0%} of the baseline’s time, each further token {decode:.0%}; the vision encoder ({encode:.3g} ms) is needed all the same. Usually decoding gains less: it computes one token at a time and only reads a shorter cache.",
    "Measured at K = {k}: the prefill takes {prefill:.0%} of the baseline’s time, each further token {decode:.0%}; the vision encoder ({encode:.3g} ms) is needed all the same. Decoding computes one token at a time and only reads a shorter cache.",
    "Measured at K = {k}: the prefill takes {prefill:.0%} of the baseline’s time, each further token {decode:.0%}, since decoding computes one token at a time and only reads a shorter cache; the vision encoder ({encode:.3g} ms) is needed all the same. The less of the prompt is picture (here {visual} visual tokens to {words} of text), the less there is to save.",
)
NO_DECODING = "This answer is a single token, which the prefill itself gives: at K = {k} the prefill takes {prefill:.0%} of the baseline’s time, the vision encoder ({encode:.3g} ms) is needed all the same, and there is nothing to decode."

# ------------------------------------------------------------------ 8: MustDrop
MEAN_OF_VTW = "Methods are compared at an equal number of visual tokens, averaged over the layers. How many is that for VTW at K = {k} of {layers}, with {visual} of them?"
OTHER_ANSWER = "{visual} tokens in {k} layers and 0 in {without}: {mean:.0f} a layer on average. MustDrop spends such a budget token by token: like patches are merged in the encoder, tokens that the text hardly looks at fall in four steps of the prefill, key tokens stay to the end, and the cache is thinned before decoding."

# ------------------------------------------------------------------ 9: break it
WILL_IT_BREAK = "Predict before you press Run: at the K* of the first token, will your answer be the same as with the image in every layer?"
BREAK_CHOICES = ("the same, token for token", "another answer")
IT_HELD = "It held: at K* = {k} of {layers} the answer is still “{answer}”. Try a description of several shapes, where the first token says little."
IT_BROKE = "You broke it: at K* = {k} of {layers}, which the first token allows, the answer is “{withdrawn}” instead of “{answer}”."
NOTHING_TO_WITHDRAW = "K* = L = {layers}: at η = {eta:g} no layer can do without the image here, so nothing was withdrawn and nothing can break."

# ------------------------------------------------------------------ 10: (question, choices, index of the right one, why)
QUIZ = (
    (
        "What is an attention sink?",
        (
            "The patch of the picture that matters most",
            "A token, often the first, that takes much attention whatever the question",
            "The layer in which the image leaves",
        ),
        1,
        "Softmax attention has to go somewhere; much of it lands on the first tokens, whose value vectors tend to be short, so that it adds little.",
    ),
    (
        "What is information migration?",
        (
            "What the image tells passes into the text tokens behind it, in the first layers",
            "Visual tokens are copied into every layer’s cache",
            "Text tokens move in front of the image",
        ),
        0,
        "Once the text has taken it up, the visual tokens can leave. Exchanging the image from layer l on tests whether it has.",
    ),
    (
        "What does K trade?",
        (
            "Speed of decoding for quality of the picture",
            "Length of the answer for memory",
            "Compute saved for how far the answer may move",
        ),
        2,
        "A smaller K spares more layers the image; the KL against the full model says how far the answer moves.",
    ),
    (
        "When does VTW fail?",
        (
            "When an answer needs the image later than its first token, as in a description",
            "When the picture has more patches than the question has words",
            "When the question can be answered without the image",
        ),
        0,
        "Its criterion looks at the first answer token only. Later studies that ran it again report the same: multiple choice holds, long answers lose.",
    ),
    (
        "Why is low attention no proof that the image is unused?",
        (
            "Because attention is measured in nats",
            "Because weights say how values are mixed, not what the mixture does; only changing the image tells",
            "Because the sink hides the image from the decoder",
        ),
        1,
        "Many tokens with little weight each can carry the answer, and much weight can carry nothing. Take the image away, or exchange it, and look at the answer.",
    ),
)
