"""Every sentence about the choice of a model."""

PICKER_LABEL = "Choice of the model"

# ------------------------------------------------------------------ facts about a model
FACTS = {
    "parameters": "Parameters",
    "download": "Download",
    "on_disk": "Weight files",
    "memory": "Memory",
    "visual": "Visual tokens",
    "layers": "Layers",
    "licence": "Licence",
}
MEMORY_OF = "{needed} of {free} free here"
MEMORY_ALONE = "about {needed}"
MEMORY_NOTE = "Estimated: weights in {dtype} plus working memory."
NO_DOWNLOAD = "none, it is here"
UNKNOWN = "not known"
EMBEDDED_NOTE = "Ships with this page and knows drawings of simple shapes only, not photographs."
FOLDER_NOTE = "A checkpoint in a folder of this server."
TYPED_NOTE = (
    "Not in the list of known models: its size is known once loading starts. Only safetensors weights of "
    "supported families are loaded, and no code that comes with a model is run."
)
GATED = "Gated: its owner requires every account to accept terms, so this server needs the token of an account that has."
MISSING = 'Needs {packages}, not installed here: pip install "visual-token-withdrawal[real]".'
TOO_LARGE = "Needs {needed}, but only {free} is free here: it cannot be loaded now."
CARD = "Model card"
CARD_TITLE = "Opens {address} in a new tab"
# The catalogue's sentences about its models; others are shown unchanged.
CATALOGUE = {
    "Embedded model": "Embedded model",
    "SmolLM2 with vision 135M": "SmolLM2 with vision 135M",
    "SmolLM2-135M-Instruct, trained for this project to see; it knows drawings of everyday things and coloured shapes.": "SmolLM2-135M-Instruct, trained for this project to see; it knows drawings of everyday things and coloured shapes.",
    "64 per tile of 512 x 512 pixels": "64 per tile of 512 × 512 pixels",
    "81 per tile of 384 x 384 pixels": "81 per tile of 384 × 384 pixels",
    "729 of the whole picture, and of its tiles": "729 of the whole picture, and of its tiles",
    "256 per tile of 448 x 448 pixels": "256 per tile of 448 × 448 pixels",
    "169 per tile of 364 x 364 pixels": "169 per tile of 364 × 364 pixels",
    "one per 32 x 32 pixels": "one per 32 × 32 pixels",
    "one per 28 x 28 pixels": "one per 28 × 28 pixels",
    "576 of the whole picture, and up to 2304 of its tiles": "576 of the whole picture, and up to 2304 of its tiles",
    "The card names the licence of its Qwen2.5 decoder.": "The card names the licence of its Qwen2.5 decoder.",
    "Google's Gemma terms of use; it has no chat template.": "Google's Gemma terms of use; it has no chat template.",
    "Google's Gemma terms of use.": "Google's Gemma terms of use.",
    "For research and evaluation, not for commercial use.": "For research and evaluation, not for commercial use.",
    "Meta's Llama 2 community licence.": "Meta's Llama 2 community licence.",
    "Its decoder is Llama 3.1, under Meta's own licence.": "Its decoder is Llama 3.1, under Meta's own licence.",
    "Not for commercial use.": "Not for commercial use.",
    "It thinks aloud before it answers: allow long answers.": "It thinks aloud before it answers: allow long answers.",
    "Licence as it is generally given; the card was not read.": "Licence as it is generally given; the card was not read.",
    "As InternVL3 1B's; its own card was not read.": "As InternVL3 1B's; its own card was not read.",
    "Read on the card of the original, liuhaotian/llava-v1.6-mistral-7b.": "Read on the card of the original, liuhaotian/llava-v1.6-mistral-7b.",
    "Nor its size, which is counted with transformers' default projector.": "Nor its size, which is counted with transformers' default projector.",
    "Nor whether it is gated.": "Nor whether it is gated.",
}
BETWEEN_SENTENCES = " "
BETWEEN_NAMES = ", "
COUNT_UNITS = ("", " k", " M", " B")
BYTE_UNITS = ("B", "kB", "MB", "GB", "TB")
DTYPES = {
    "float32": "float32",
    "bfloat16": "bfloat16",
    "float16": "float16",
    "8bit": "8 bit",
    "4bit": "4 bit",
}

# ------------------------------------------------------------------ progress of loading
IN_USE = "{title} is ready."
IN_USE_NEW = "{title} is ready. Press Run both sides to ask it."
IN_MEMORY = "In memory: it can be used at once."
NOT_LOADED_YET = "Not in memory yet."
HAS_LEFT = "{title} was unloaded to make room for another model; your next run loads it again."
FIRST_LOADING = "{title} is being loaded; meanwhile, look at the recorded examples."
LOADED_BY_OTHERS = "Another visitor is already loading it."
STILL_IN_USE = "{title} stays in use."
RECORDED_WORK = "Recorded examples work without it."
CANCELLED = "Cancelled."
BUSY = "Too many visitors are loading models: try again in a minute."
STAGES = {
    "check": "Checking {title}",
    "download": "Downloading {title}",
    "processor": "Preparing pictures and words for {title}",
    "weights": "Reading the weights of {title}",
    "place": "{title} waits until a model in memory is no longer used",
}
STAGE_ALONE = "{stage} …"
BYTES_DONE = "{stage}: {done} of {total}, {share:.0%}"
OPTION_STATES = {
    "ready": "in memory",
    "loading": "loading",
    "absent": "",
    "failed": "could not be loaded",
}
PICKER = {
    "section": "Model",
    "choose": "Model to ask",
    "option": "{title} · {state}",
    "used": "{title} · in use",
    "load": "Load and use",
    "use": "Use this model",
    "again": "Try again",
    "reload": "Load it now",
    "join": "Wait for it",
    "cancel": "Cancel",
    "progress": "Loading of the model",
    "other": "Another model, by its hub id …",
    "otherLabel": "Hub id, org/name",
    "otherHint": "llava-hf/llava-1.5-7b-hf",
    "otherNote": "Type the id of a checkpoint on the Hugging Face hub. Its family is checked before anything large is fetched.",
    "usedNow": "In use: {title}",
}

# ------------------------------------------------------------------ what is refused
NOT_OFFERED = "The model {model} is not offered here; choose one of these: {names}."
NOT_A_HUB_ID = (
    "{model} is not a hub id; write it as org/name, such as HuggingFaceTB/SmolVLM-256M-Instruct."
)
NOT_IN_MEMORY = "The model {model} is not in memory here; choose one that is."
NOT_LOADED = "The model {model} could not be loaded; the server's log says why."
RUN_OF_ANOTHER = (
    "This run was made by {model}, which is not offered here, so it cannot be repeated: press Run both "
    "sides to ask the model that you have chosen."
)
