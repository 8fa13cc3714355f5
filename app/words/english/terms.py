"""The tooltips that define the page's terms, in agreement with docs/quantities.md."""

# `skip`: words that hold a term and mean something else.
WORDS = {"definition": "Exact definition", "skip": "baseline/"}

# `names` are the ways a term is written on the page, between bars; of two that begin at the same
# letter the longer one counts.
TERMS = {
    "visual_token": {
        "names": "visual tokens|visual token|Visual tokens",
        "title": "Visual token",
        "definition": "One vector of the prompt that stands for a patch of the picture, or for several that were merged. It runs through the decoder’s layers like a word.",
    },
    "withdrawal": {
        "names": "withdrawn|Withdrawal|withdrawal",
        "title": "Withdrawal",
        "definition": "All visual tokens are taken out of the hidden states, and so out of the KV cache, of layer K and of every later layer.",
    },
    "k": {
        "names": "K",
        "title": "K",
        "definition": "The first decoder layer without visual tokens, 0 to L. At K = 0 the decoder never sees the picture; K = L withdraws nothing and is the baseline.",
    },
    "k_star": {
        "names": "K*",
        "title": "K*",
        "definition": "The K that a criterion picks: the first K whose KL is at most η, or, by the rule “stays under η”, the first from which on every K has one, or, by the rule “from K = 5”, the first such K from 5 on, where the candidates of VTW's released code start.",
    },
    "kl": {
        "names": "KL",
        "title": "KL",
        "definition": "Kullback-Leibler divergence KL(P withdrawn ‖ P full): how far the distribution of the next token moves when the picture leaves, in nats. 0 is no difference.",
    },
    "nats": {
        "names": "nats|nat",
        "title": "Nat",
        "definition": "The unit of information with the natural logarithm: one nat is 1.44 bits.",
    },
    "eta": {
        "names": "η",
        "title": "η (eta)",
        "definition": "The largest KL that still counts as no difference. VTW’s released code uses 0.003 nats by default.",
    },
    "baseline": {
        "names": "baseline’s|baseline's|baseline|Baseline",
        "title": "Baseline",
        "definition": "The same model on the same picture and question with nothing withdrawn: every layer sees the picture.",
    },
    "prefill": {
        "names": "prefill|Prefill",
        "title": "Prefill",
        "definition": "The one pass of the whole prompt through the decoder, up to the first answer token. Here withdrawal saves work.",
    },
    "decode": {
        "names": "decoding|Decode|decode",
        "title": "Decode",
        "definition": "Everything after the first answer token: one pass through all layers for each further token, with the KV cache in place of the prompt.",
    },
    "kv_cache": {
        "names": "KV cache",
        "title": "KV cache",
        "definition": "Keys and values of the prompt, which every layer keeps so that decoding need not read the prompt again. Withdrawn tokens have none from layer K on.",
    },
    "flops": {
        "names": "TFLOPs|FLOPs|FLOP",
        "title": "FLOPs",
        "definition": "Arithmetic of the decoder’s prefill in theory: per layer 2n(4d + 3m)d + 4n²d for n tokens, width d and FFN width m, a multiply-add counted as two. The vision tower is left out. A TFLOP is 10¹² of them.",
    },
    "sink": {
        "names": "Attention sinks|Attention sink|attention sinks|attention sink|sinks|sink",
        "title": "Attention sink",
        "definition": "A token that receives much attention from almost everywhere, whatever it says; often the first one. It takes the attention that a softmax must spend somewhere, and its value vector tends to be short.",
    },
    "bos": {
        "names": "BOS",
        "title": "BOS",
        "definition": "Beginning of sequence: the first token of many models’ prompts, which every later token can see.",
    },
    "migration": {
        "names": "Information migration|information migration",
        "title": "Information migration",
        "definition": "What the answer needs moves, layer by layer, from the visual tokens into the text tokens after them, so that deep layers can do without the picture.",
    },
    "lens": {
        "names": "logit lens|Logit lens|patch lens",
        "title": "Logit lens",
        "definition": "The model’s own last norm and output head, applied to an intermediate state: what it would say if it stopped there. The lens is not trained, so “not readable” is not “not there”.",
    },
    "causal_test": {
        "names": "causal test|causal tests|causal KL",
        "title": "Causal test",
        "definition": "The text is given another picture’s keys and values from layer l on. Where the answer does not move, the text no longer uses the picture.",
    },
    "segment": {
        "names": "segments|segment",
        "title": "Segment",
        "definition": "A part of the sequence: BOS, system prompt, picture, question or answer. A segment’s share is the sum of the attention on its tokens.",
    },
    "query_rows": {
        "names": "query rows|Query rows|text rows|text row|Whose attention",
        "title": "Query row",
        "definition": "The token that looks: its row of the attention matrix is what it gives to each token before it, and sums to 1.",
    },
    "head": {
        "names": "mean over heads|attention heads|heads",
        "title": "Attention head",
        "definition": "Each layer attends several times in parallel, once per head. A mean over heads hides a single head that looks elsewhere.",
    },
    "massive": {
        "names": "massive activations|Massive activations|massive activation",
        "title": "Massive activation",
        "definition": "A component of a hidden state that is at least about 1000 times the median one; it often goes with an attention sink.",
    },
    "budget": {
        "names": "equal budget|token budget|budget",
        "title": "Budget",
        "definition": "The number of visual tokens in the prefill, mean over the layers. A comparison of methods is fair at the same budget.",
    },
    "gamma": {
        "names": "γ",
        "title": "γ (gamma)",
        "definition": "MustDrop’s global threshold: a token stays if it receives at least this share of all attention that the text gives to the picture.",
    },
    "alpha": {
        "names": "α",
        "title": "α (alpha)",
        "definition": "MustDrop’s individual threshold: a token stays if at least one text row gives it this weight or more.",
    },
    "key_set": {
        "names": "key set|key tokens|key token",
        "title": "Key set",
        "definition": "The 8% of the tokens to which [CLS] gives most in the vision encoder’s last layer. MustDrop’s later stages may not drop them.",
    },
    "stages": {
        "names": "stages a b c|Stages|stage a|stage b|stage c",
        "title": "Stages a, b, c",
        "definition": "MustDrop’s three: a merges similar patches in the vision encoder, b drops tokens after some decoder layers, c cuts the cache of those layers to the tokens that are left at the end.",
    },
    "ratio": {
        "names": "R",
        "title": "R",
        "definition": "The share of the visual tokens that FastV drops before layer K, those with the least attention in the layer before.",
    },
    "agreement": {
        "names": "Agreement|agreement|Agrees",
        "title": "Agreement",
        "definition": "The share of the baseline answer’s tokens that the other side predicts too, given the baseline’s answer up to that point.",
    },
    "teacher_forcing": {
        "names": "teacher-forced|teacher forcing",
        "title": "Teacher forcing",
        "definition": "Both sides read the baseline’s answer, token by token, instead of their own, so that the same position means the same on both.",
    },
    "band": {
        "names": "95% band|bootstrap",
        "title": "95% band",
        "definition": "Where the mean would lie in 95 of 100 sets of samples drawn like this one: a bootstrap over the samples.",
    },
}
