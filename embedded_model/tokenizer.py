"""A byte-level BPE tokenizer: small, and any typed text goes through it.

Text is folded to lower case, so that "What Color" and "what color" are one question.
"""

from __future__ import annotations

import random

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from embedded_model.corpus import english
from embedded_model.questions import VOCABULARY, ask_any, describe
from embedded_model.scenes import random_scene

VOCABULARY_SIZE = 1024
BOS, EOS, PAD, IMAGE = "<s>", "</s>", "<pad>", "<image>"
SYSTEM_PROMPT = "You answer questions about a drawing of simple shapes. Answer in a few words."
CHAT_TEMPLATE = (
    "{{ bos_token }}" + SYSTEM_PROMPT + "{% for message in messages %}"
    "{% if message['role'] == 'user' %} USER: "
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}<image>{% endif %}"
    "{% endfor %}"
    "{% for part in message['content'] %}{% if part['type'] == 'text' %}"
    # As an expression: a plain line break after a tag would be trimmed away.
    "{{ '\\n' + part['text'] }}"
    "{% endif %}{% endfor %}"
    "{% elif message['role'] == 'assistant' %} ASSISTANT: "
    "{% for part in message['content'] %}{{ part['text'] }}{% endfor %}{{ eos_token }}"
    "{% endif %}{% endfor %}{% if add_generation_prompt %} ASSISTANT:{% endif %}"
)


def build_tokenizer(seed: int = 0) -> PreTrainedTokenizerFast:
    """Learn the merges from English and our questions; each word of the world is one token."""
    rng = random.Random(seed)
    lines = english(limit=4000)
    for _ in range(6000):
        scene = random_scene(rng)
        lines += [ask_any(scene, rng).text, " " + describe(scene)]
    # Each word often enough, with the space before it, to be merged whole.
    lines += [" " + word for word in " ".join(VOCABULARY).split()] * 3000
    lines += [f"{SYSTEM_PROMPT} USER:\n ASSISTANT:".lower()] * 4000
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            # One digit, one line break, one mark at a time; words with the space before them.
            pre_tokenizers.Split(Regex(r" ?\p{L}+| ?\p{N}|\n| ?[^\s\p{L}\p{N}]| +"), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        lines,
        trainers.BpeTrainer(
            vocab_size=VOCABULARY_SIZE,
            special_tokens=[PAD, BOS, EOS, IMAGE],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=BOS,
        eos_token=EOS,
        pad_token=PAD,
        extra_special_tokens={"image_token": IMAGE},
        model_max_length=2048,
        padding_side="left",
        clean_up_tokenization_spaces=False,
        chat_template=CHAT_TEMPLATE,
    )
