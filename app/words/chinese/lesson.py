"""Every sentence of the lesson, in Chinese. Numbers in braces come from the run that is shown."""

SPACE = "␣"
LESSON = {
    "betweenSentences": "",
    "open": "十步课程",
    "name": "课程",
    "progress": "第 {step} 步，共 {steps} 步",
    "back": "上一步",
    "next": "下一步",
    "finish": "完成",
    "close": "关闭课程",
    "less": "收起课程",
    "questionAlone": "只显示问题",
    "more": "展开课程",
    "again": "回到本步的视图",
    "right": "正确。",
    "wrong": "不太对。",
    "score": "{count} 题中有 {right} 题首次即答对。",
    "checkK": "检查 K = {k}",
    "about": "当前显示",
    "steps": "课程的各步",
    "go": "第 {step} 步：{title}",
    "keys": "课程获得焦点时的按键：→ 下一步，← 上一步，Esc 关闭。",
}

STEPS = {
    "tokens": {
        "title": "模型看到什么",
        "lead": "视觉编码器把图片变成 token，它们像词一样逐层经过语言模型（即解码器）。视觉 token 撤除（Visual Token Withdrawal，VTW）在中途把它们取走。",
    },
    "cost": {
        "title": "一层的开销",
        "lead": "每一层都要对每个 token 进行计算；VTW 从第 K 层起撤除视觉 token。图中显示预填充（即读入提示）还剩多少 FLOPs（运算次数）。",
    },
    "sink": {
        "title": "注意力流向哪里",
        "lead": "在每一层，一个 token 把总量为 1 的注意力分配给它之前的全部内容。图中显示提示的最后一个 token（它给出回答的首个 token）把注意力用在哪里。",
    },
    "use": {
        "title": "注意力能证明图片被使用吗？",
        "lead": "检验方法：从某一层起，暗中让文本读取另一张图片。如果回答几乎不再因此偏离（KL，中间的曲线），说明它所需的内容已经在文本 token 中：这就是信息迁移。",
    },
    "guess": {
        "title": "手动选择 K",
        "lead": "把 K 向左拖：图片离开得更早，节省得更多。曲线已被遮住；请看第二个回答。",
    },
    "blind": {
        "title": "只看一个 token 会漏掉什么",
        "lead": "VTW 只根据回答的首个 token 选择 K。色带显示这段描述中每个 token 处的 KL。",
    },
    "saved": {
        "title": "节省了什么，没有节省什么",
        "lead": "FLOPs 是计数得出的，时间是在产生这次运行的机器上实测的。请比较两侧。",
    },
    "mustdrop": {
        "title": "MustDrop 的另一种解法",
        "lead": "VTW 先保留所有视觉 token，然后一个不留。较晚提出的 MustDrop 则对每个 token 单独评判：在视觉编码器中、在预填充时、在解码时。",
    },
    "break": {
        "title": "试着让 VTW 出错",
        "lead": "画一些形状，就它们提问，然后点击“运行对比”。这一步需要模型；您也可以直接继续。",
    },
    "summary": {
        "title": "五个问题",
        "lead": "现在，您应当能把这些讲给别人听。",
    },
}
UNAVAILABLE = "这次运行无法回答该问题：{problem}"
NO_RUN = "目前还没有显示任何运行。"
OWN_RUN_FIRST = "已记下。现在请画图、提问，再点击“运行对比”。"

# ------------------------------------------------------------------ 1 and 2: tokens and their cost
HOW_MANY_TOKENS = "对这张图片，解码器得到多少个 token？"
ONE_GRID = "{rows} × {cols} 个图块，每个对应一个视觉 token：提示的 {prompt} 个 token 中有 {visual} 个（{share:.0%}）是图片，{words} 个是文本。"
SEVERAL_GRIDS = "共 {visual} 个视觉 token，多于或少于第一个网格的 {rows} × {cols} 个图块：提示的 {prompt} 个 token 中有 {share:.0%} 是图片，{words} 个是文本。"
WHAT_IS_SAVED = "图片在中途离开，即 K = {k}（共 {layers} 层）。这能节省预填充 FLOPs 的多少？"
SAVED = "有图片时，一层的开销是没有图片时的 {ratio:.1f} 倍。{layers} 层中有 {without} 层没有图片，可节省 {saved:.0%}；所有层都没有则可节省 {most:.0%}。其余是文本的开销。"

# ------------------------------------------------------------------ 3: the sink
WHERE_IS_THE_SINK = (
    "在第 {layer} 层，问题之前的单个 token 中哪一个得到的注意力最多？（图片是许多个 token。）"
)
TOKEN_CHOICE = "“{piece}”（{segment}，位置 {position}）"
NONE_OF_THEM = "没有哪个突出"
IS_A_SINK = "仅“{piece}”就占 {share:.0%}，是均匀分配的 {times:.0f} 倍：它就是注意力汇（attention sink），无论其内容如何都会吸引注意力。在 VTW 论文所用模型的深层，最前面和最近的 token 占据大部分注意力；在这里，较深的 {deep} 层中有 {first} 层，BOS 与系统提示得到的注意力多于图片。"
IS_NEARLY_A_SINK = "仅“{piece}”就占 {share:.0%}，是均匀分配的 {times:.0f} 倍，但未达到可称为注意力汇（attention sink）的 {threshold:.0%}。在 VTW 论文所用模型的深层，最前面和最近的 token 占据大部分注意力；在这里，较深的 {deep} 层中有 {first} 层，BOS 与系统提示得到的注意力多于图片。"
IS_NO_SINK = "即使是最强的“{piece}”，在第 {layer} 层也只占 {share:.1%}，是均匀分配的 {times:.1f} 倍：这次运行谈不上有注意力汇（attention sink）。在 VTW 论文所用模型的深层，最前面和最近的 token 占据大部分注意力。"

# ------------------------------------------------------------------ 4: attention and use
NO_TEST = "它从未与另一张图片对照过。请选择“回到本步的视图”。"
WHICH_IS_USED = "文本在第 {low} 层把 {low_share:.0%} 的注意力给图片，在第 {high} 层为 {high_share:.0%}。从其中哪一层起换成另一张图片，使回答偏离更大？"
USE_CHOICES = (
    "从第 {low} 层起（注意力 {low_share:.0%}）",
    "从第 {high} 层起（注意力 {high_share:.0%}）",
    "两者都不使回答偏离",
)
WRONG_WAY_ROUND = "从第 {low} 层起换成另一张图片（“{image}”），使回答偏离 {low_kl} nat，从第 {high} 层起为 {high_kl}：注意力给出的排序恰好相反。很少的注意力可能很重要，很多的注意力也可能毫无作用。"
RIGHT_WAY_ROUND = "从第 {low} 层起换成另一张图片（“{image}”），使回答偏离 {low_kl} nat，从第 {high} 层起为 {high_kl}：这里注意力给出的排序是对的，但只有替换图片才能确认这一点。"
NEITHER_USED = "从第 {low} 层起换成另一张图片（“{image}”），使回答偏离 {low_kl} nat，从第 {high} 层起为 {high_kl}，两者都不超过 η = {eta:g}：无论注意力如何，这个回答在两处都不需要图片。"

# ------------------------------------------------------------------ 5 and 6: choosing K
GUESS_K = "在回答不变的前提下，K 能向左拖多远？拖到那里，然后检查。"
ANSWER_CHANGED = "在 K = {guess} 处回答变了：图片离开得太早。K 是节省的计算量与回答偏离量之间的权衡。VTW 取 K* = {star}（共 {layers} 层），即首个 KL 不超过 η = {eta:g} nat 的 K。"
HELD_OVER_ETA = "在 K = {guess} 处词语没有变，但它们的概率已经偏离：KL 为 {kl} nat。K 就是节省的计算量与这种偏离之间的权衡。VTW 更谨慎，取 K* = {star}（共 {layers} 层），即首个 KL 不超过 η = {eta:g} nat 的 K。"
GOOD_K = "在 K = {guess} 处词语没有变，KL 也只有 {kl} nat。K 是节省的计算量与回答偏离量之间的权衡。VTW 取 K* = {star}（共 {layers} 层），即首个不超过 η = {eta:g} nat 的 K。"
TOO_LATE = "在 K = {guess} 处词语没有变，但图片本可以更早离开：VTW 取 K* = {star}（共 {layers} 层），即首个 KL 不超过 η = {eta:g} nat 的 K，可再节省预填充 FLOPs 的 {lost:.0%}。K 就是这种节省与回答偏离量之间的权衡。"
DOES_IT_SURVIVE = "只看首个 token，图片在 K = {k} 处就可以离开。整个回答在那里读起来一样吗？"
SURVIVE_CHOICES = ("读起来一样", "读起来不同")
BLIND_AND_CHANGED = "在 K = {k} 处，首个 token“{first_piece}”的 KL 为 {first_kl} nat，不超过 η = {eta:g}；但 {count} 个 token 中的第 {position} 个“{piece}”为 {worst_kl}。要从 K = {whole} 起，每个 token 才都得以保持。当首个 token 之后才需要图片时，VTW 就会失效。"
BLIND_AND_SAME = "读起来一样，但在 K = {k} 处，{count} 个 token 中的第 {position} 个“{piece}”的 KL 为 {worst_kl} nat，而首个 token“{first_piece}”为 {first_kl}：要到 K = {whole}，每个 token 才都低于 η = {eta:g}。只看一个 token 的判据看不到这一点。"
NOT_BLIND = "在这里，只看首个 token 并不比看全部 {count} 个 token 更差：K = {whole} 使每个 token 都不超过 η = {eta:g}；最差的“{piece}”在 K = {k} 处为 {worst_kl} nat。"

# ------------------------------------------------------------------ 7: what is not saved
IS_DECODING_FASTER = (
    "K = {k} 节省了预填充 FLOPs 的 {saved:.0%}。回答的每个后续 token（解码）会快多少？"
)
DECODING_CHOICES = (
    "与预填充加快得一样多，或更多",
    "至少达到其一半",
    "不到其一半，甚至没有加快",
)
NOT_SAVED = (
    "在 K = {k} 处实测：预填充所用时间为基线的 {prefill:.0%}，每个后续 token 为 {decode:.0%}；视觉编码器（{encode:.3g} ms）仍然不可少。通常解码的收益更小：它一次只计算一个 token，只是读取更短的缓存。",
    "在 K = {k} 处实测：预填充所用时间为基线的 {prefill:.0%}，每个后续 token 为 {decode:.0%}：解码一次只计算一个 token，只是读取更短的缓存。视觉编码器（{encode:.3g} ms）仍然不可少。",
    "在 K = {k} 处实测：预填充所用时间为基线的 {prefill:.0%}，每个后续 token 为 {decode:.0%}：解码一次只计算一个 token，只是读取更短的缓存。视觉编码器（{encode:.3g} ms）仍然不可少，文本也是：{words} 个 token，视觉 token 为 {visual} 个。",
)
NO_DECODING = "这个回答只有一个 token，由预填充本身给出：在 K = {k} 处，预填充所用时间为基线的 {prefill:.0%}，视觉编码器（{encode:.3g} ms）仍然不可少，并且没有需要解码的内容。"

# ------------------------------------------------------------------ 8: MustDrop
MEAN_OF_VTW = "各方法在同一预算下比较，即各层平均的视觉 token 数。共有 {visual} 个视觉 token、K = {k}（共 {layers} 层）时，VTW 的这个数是多少？"
OTHER_ANSWER = "{k} 层中各有 {visual} 个 token，{without} 层中为 0：平均 {mean:.0f} 个。MustDrop 逐个 token 地使用差不多的预算：相似的图块被合并，文本几乎不看的 token 分四步丢弃，关键 token 保留到最后，缓存再被精简。"

# ------------------------------------------------------------------ 9: break it
WILL_IT_BREAK = "先预测：在首个 token 所允许的 K* 处，回答会与每一层都有图片时相同吗？"
BREAK_CHOICES = ("相同，每个 token 都一样", "另一个回答")
IT_HELD = "回答经受住了：在 K* = {k}（共 {layers} 层）处，回答仍是“{answer}”。试试让它描述多个形状，那时首个 token 说明不了多少。"
IT_BROKE = "您让它出错了：在首个 token 所允许的 K* = {k}（共 {layers} 层）处，回答是“{withdrawn}”，而不是“{answer}”。"
NOTHING_TO_WITHDRAW = "K* = L = {layers}：在 η = {eta:g} 时，这里没有哪一层可以不要图片，因此没有撤除任何 token，也就无从出错。"

# ------------------------------------------------------------------ 10: (question, choices, index of the right one, why)
QUIZ = (
    (
        "什么是注意力汇（attention sink）？",
        (
            "回答所依赖的一个图块",
            "一个无论问什么都占据大量注意力的 token，往往是第一个",
            "不再看图片的深层",
        ),
        1,
        "每个 token 都必须分配出总量为 1 的注意力；没有内容需要的那部分就落在这里。",
    ),
    (
        "什么是信息迁移？",
        (
            "回答对图片所需的内容传递到文本 token 中",
            "注意力从图片转移到第一个 token",
            "视觉 token 从提示移入缓存",
        ),
        0,
        "从那里起，视觉 token 就可以离开。暗中换成另一张图片，可以检验迁移是否已经发生。",
    ),
    (
        "K 权衡的是什么？",
        (
            "预填充时间与解码时间",
            "视觉 token 数与图片细节",
            "节省的计算量与回答允许的偏离量",
        ),
        2,
        "K 越小，就有越多的层不必处理图片；KL 说明回答偏离了多少。",
    ),
    (
        "VTW 何时失效？",
        (
            "当首个 token 不需要图片、而后面的 token 需要时",
            "当深层很少关注图片时",
            "当提示的大部分是图片时",
        ),
        0,
        "它的判据只看首个 token。后来的研究也报告了同样的情况：多项选择题能保持，长回答受损。",
    ),
    (
        "为什么注意力低不能证明图片没有被使用？",
        (
            "因为注意力汇使解码器看不到图片",
            "因为深层从来只看文本",
            "因为权重只说明读取了多少，不说明有何作用；只有改变图片才能知道",
        ),
        2,
        "许多很小的权重可以承载回答，很大的权重也可能什么都没有承载。",
    ),
)
