"""What the page's terms mean, said where they stand, in Chinese."""

# `skip`: words that hold a term and mean something else.
WORDS = {"definition": "确切定义", "skip": "解码器"}

# `names` are the ways a term is written on the page, between bars; of two that begin at the same
# letter the longer one counts.
TERMS = {
    "visual_token": {
        "names": "视觉 token",
        "title": "视觉 token",
        "definition": "提示中的一个向量，代表图片的一个图块，或合并后的若干图块。它像一个词那样经过解码器的各层。",
    },
    "withdrawal": {
        "names": "撤除",
        "title": "撤除（withdrawal）",
        "definition": "从第 K 层起，把所有视觉 token 从这一层及其后各层的隐藏状态中取走，这些层的 KV 缓存中因而也没有它们。",
    },
    "k": {
        "names": "K",
        "title": "K",
        "definition": "解码器中首个没有视觉 token 的层，取 0 到 L。K = 0 时解码器从未看到图片；K = L 不撤除任何东西，就是基线。",
    },
    "k_star": {
        "names": "K*",
        "title": "K*",
        "definition": "由判据选出的 K：首个 KL 不超过 η 的 K；按“一直不超过 η”的规则，则是从它起所有 K 都满足的首个 K；按“从 K = 5 起”的规则，则是从 5 起首个满足的 K，VTW 发布的代码从那里开始选取。",
    },
    "kl": {
        "names": "KL",
        "title": "KL",
        "definition": "KL 散度 KL(P withdrawn ‖ P full)：撤除图片后，下一个 token 的分布偏离多远，单位 nat。0 表示没有差别。",
    },
    "nats": {
        "names": "nat",
        "title": "Nat",
        "definition": "以自然对数计的信息单位：1 nat 等于 1.44 比特。",
    },
    "eta": {
        "names": "η",
        "title": "η（eta）",
        "definition": "仍被视为“没有差别”的最大 KL。若不另行指定，VTW 发布的代码取 0.003 nat。",
    },
    "baseline": {
        "names": "基线",
        "title": "基线",
        "definition": "同一模型、同一图片、同一问题，不撤除任何东西：每一层都能看到图片。",
    },
    "prefill": {
        "names": "预填充",
        "title": "预填充（prefill）",
        "definition": "整个提示一次性通过解码器，直到回答的首个 token。撤除节省的就是这里的计算。",
    },
    "decode": {
        "names": "解码",
        "title": "解码（decode）",
        "definition": "首个回答 token 之后的全部工作：每个后续 token 各自通过所有层一次，由 KV 缓存代替提示。",
    },
    "kv_cache": {
        "names": "KV 缓存",
        "title": "KV 缓存",
        "definition": "提示的键和值，由每一层保留，解码时不必重读提示。从第 K 层起，被撤除的 token 不再占用缓存。",
    },
    "flops": {
        "names": "TFLOPs|FLOPs|FLOP",
        "title": "FLOPs",
        "definition": "解码器预填充的理论运算量：每层 2n(4d + 3m)d + 4n²d，其中 n 为 token 数，d 为宽度，m 为 FFN 宽度，一次乘加计为两次；不含视觉塔。1 TFLOP 为 10¹² 次。",
    },
    "sink": {
        "names": "注意力汇聚|汇聚 token",
        "title": "注意力汇聚（attention sink）",
        "definition": "几乎从各处都得到大量注意力的 token，与其内容无关，往往是第一个。softmax 总要分出的注意力落在它上面，而它的值向量往往较短。",
    },
    "bos": {
        "names": "BOS",
        "title": "BOS",
        "definition": "序列开始符：许多模型的提示的首个 token，后面的每个 token 都能看到它。",
    },
    "migration": {
        "names": "信息迁移",
        "title": "信息迁移",
        "definition": "回答所需的信息逐层从视觉 token 移到其后的文本 token 中，因此深层可以不再需要图片。",
    },
    "lens": {
        "names": "logit lens",
        "title": "Logit lens",
        "definition": "把模型自己的最后一个归一化层和输出头用在中途的隐藏状态上：如果到此为止，它会说什么。它未经训练，所以“读不出来”不等于“不在其中”。",
    },
    "causal_test": {
        "names": "因果检验",
        "title": "因果检验",
        "definition": "从第 l 层起，让文本改看另一张图片的键和值。如果回答不偏离，文本就不再使用图片。",
    },
    "segment": {
        "names": "片段",
        "title": "片段",
        "definition": "序列的一部分：BOS、系统提示、图片、问题或回答。一个片段的占比，是其各 token 所得注意力之和。",
    },
    "query_rows": {
        "names": "查询行|文本行|谁的注意力",
        "title": "查询行",
        "definition": "“看”的那个 token：它在注意力矩阵中的那一行，是它给予之前各 token 的权重，总和为 1。",
    },
    "head": {
        "names": "各头平均|各头",
        "title": "注意力头",
        "definition": "每一层并行地看若干次，每个头一次。对各头取平均，会掩盖那个看向别处的头。",
    },
    "massive": {
        "names": "巨量激活",
        "title": "巨量激活（massive activation）",
        "definition": "隐藏状态中约为中位数 1000 倍或更大的分量，常与注意力汇聚同时出现。",
    },
    "budget": {
        "names": "预算",
        "title": "预算",
        "definition": "预填充中视觉 token 的数目，取各层平均。预算相同时，方法之间的比较才公平。",
    },
    "gamma": {
        "names": "γ",
        "title": "γ（gamma）",
        "definition": "MustDrop 的全局阈值：文本给予图片的全部注意力中，一个 token 至少占到这个比例就保留。",
    },
    "alpha": {
        "names": "α",
        "title": "α（alpha）",
        "definition": "MustDrop 的个体阈值：只要有一个文本行给予它不低于此值的权重，这个 token 就保留。",
    },
    "key_set": {
        "names": "关键集合|关键 token",
        "title": "关键集合",
        "definition": "视觉编码器最后一层中 [CLS] 给予注意力最多的 8% 的 token。MustDrop 之后的阶段不得丢弃它们。",
    },
    "stages": {
        "names": "阶段 a b c|阶段 a|阶段 b|阶段 c",
        "title": "阶段 a、b、c",
        "definition": "MustDrop 的三个阶段：a 在视觉编码器中合并相似的图块，b 在某些解码器层之后丢弃 token，c 把这些层的缓存裁剪到最后仍留存的 token。",
    },
    "ratio": {
        "names": "R",
        "title": "R",
        "definition": "FastV 在第 K 层之前丢弃的视觉 token 的比例，即在前一层中得到注意力最少的那些。",
    },
    "agreement": {
        "names": "一致率",
        "title": "一致率",
        "definition": "给定基线回答的前文时，另一侧在基线回答的多大比例的 token 上也会说出同样的 token。",
    },
    "teacher_forcing": {
        "names": "teacher forcing|给定基线回答|给定该回答",
        "title": "给定回答（teacher forcing）",
        "definition": "两侧都逐 token 读入基线的回答，而不是各自的回答，因此同一位置在两侧含义相同。",
    },
    "band": {
        "names": "95% 区间带|自助法",
        "title": "95% 区间带",
        "definition": "像这样抽取样本，100 组中有 95 组的均值会落在这里：对样本做自助法（bootstrap）。",
    },
}
