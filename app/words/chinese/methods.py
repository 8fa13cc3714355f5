"""Every sentence of the tab that compares methods, in Chinese."""

TAB = "方法"
INTRO = (
    "让模型用更少的视觉 token 运行有多种方法，VTW 只是其中之一。在这里，它们并排回答关于同一张图片的同一个问题。"
    "**预算相等**时比较才公平：视觉 token 数的各层平均相同。不同的是留下哪些 token，以及留在哪些层。"
)
NO_PICTURE = (
    "保存的运行不含图片，因此别的方法无法看到它：请在“对比”标签页选一个示例，或运行您自己的问题，"
    "然后再回到这里。"
)
NOT_YET = "点击“比较”：上面的各方法就会与基线并排回答“{prompt}”。"
ASKED_BY_LINK = "这个链接要比较的方法与此处预录的不同，已设置在上方：点击“比较”即可运行。在此之前，这里显示的是预录的回答。"
_K = "K：首个视觉 token 减少的层"
_RATIO = "R：丢弃的视觉 token 的比例"
_POSITIONS = "留下的 token 的位置编号"
PANELS = {"progress": "比较进度"}
PANEL = "方法 {number}"
METHOD = "方法"
METHODS = {
    "vtw": "VTW：一次全部撤除",
    "mustdrop": "MustDrop：分三个阶段",
    "fastv": "FastV：丢弃受关注最少的",
    "random": "随机：对照",
}
# Of each strategy, by its options' names; without words of its own a control is called by what the
# strategy says of it.
PARAMETERS = {
    "vtw": {"k": _K, "positions": _POSITIONS},
    "mustdrop": {
        "stages": "阶段",
        "set by": "阈值 γ 和 α",
        "preset": "公布的阈值",
        "gamma": "γ，全局：占全部注意力的比例",
        "alpha": "α，个体：来自单个文本行的权重",
        "filters": "其后有过滤器的层",
        "positions": _POSITIONS,
    },
    "fastv": {"k": _K, "ratio": _RATIO, "ranking": "按谁的注意力排序"},
    "random": {"k": _K, "ratio": _RATIO, "drop-seed": "种子：丢弃哪些 token"},
}
ANY_PARAMETER = {"tokens": "视觉 token 数，各层平均", "set by": "设定方式"}
PLAIN_PARAMETER = "{symbol}：{help}"
CHOICES = {
    "vtw": {"positions": {"keep": "保持原样", "repack": "重新连续编号"}},
    "mustdrop": {
        "stages": {"a": "a · 视觉编码", "b": "b · 预填充", "c": "c · 解码"},
        "set by": {
            "tokens": "按 token 预算求得",
            "preset": "公布值",
            "own": "您自己的值",
        },
        "preset": {
            "textvqa-192": "TextVQA，192 个 token",
            "textvqa-128": "TextVQA，128 个 token",
            "textvqa-64": "TextVQA，64 个 token",
            "vizwiz-64": "VizWiz，64 个 token",
        },
        "positions": {
            "keep": "保持原样",
            "repack": "重新连续编号（发布的代码）",
        },
    },
    "fastv": {
        "ranking": {
            "last_token": "最后一个 token（发布的代码）",
            "text_mean": "所有文本行的均值（论文）",
        },
    },
}
WAYS = {"tokens": "视觉 token 数", "own": "手动"}
MISSING = "请先填写“{label}”。"
NONE_TICKED = "“{label}”下没有勾选任何一项：请至少勾选一项。"
ADD = "添加方法"
REMOVE = "移除此方法"
COMPARE = "比较"
CANCEL = "取消"
EQUAL = "全部设为 VTW 的预算"
EQUAL_DONE = "已设定：{tokens} 个视觉 token（{layers} 层平均），与 VTW 在 K = {k} 时留下的相同。"
EQUAL_ALL = "VTW 在 K = {k} 时保留所有视觉 token：没有可供共用的预算。请选一个更小的 K。"
SAVE = "保存比较结果（.json）"
GONE = "还没有比较结果：请先点击“比较”。"

ENCODING = "正在编码图片……"
RUNNING = "{title}：正在回答……"
TIMING = "正在轮流测量各方法的预填充……"
CANCELLED = "已取消。下面是之前显示的内容。"
INTERNAL = "比较时内部出错；您的内容没有丢失。请再试一次。"
LABEL_TWICE = "{title}（{number}）"

ORIGINS = {
    "recorded": "{model}，预录于 {date}：点击“比较”可在此重新运行",
    "live": "{model}，在本服务器上测得",
}
BASELINE = "基线"
TITLES = {
    "vtw": "VTW，K = {k}",
    "mustdrop": "MustDrop，阶段 {stages}",
    "fastv": "FastV，K = {k}，R = {ratio:.0%}",
    "random": "随机，K = {k}，R = {ratio:.0%}，种子 {seed}",
}
NOTES = {
    "none": "每一层都有所有视觉 token。",
    "vtw": "在第 {k} 层之前撤除所有视觉 token。",
    "fastv": "在第 {k} 层之前丢弃注意力最少的 {ratio:.0%}；排序依据：{ranking}。",
    "random": "在第 {k} 层之前随机丢弃 {ratio:.0%}。",
    "mustdrop": "γ = {gamma}，α = {alpha}。",
}
NOTE_FITTED = "按 {wanted} 个视觉 token 求得。"
NOTE_NEAREST = "目标是 {wanted} 个视觉 token；它的各阶段在这里能留下的最接近的数目是 {got}。"
NOTE_REPACKED = "位置编号已重新连续编号。"
NOTE_VISION = "编码器：{patches} 个图块 → {tokens} 个 token；合并窗口：{merged}；关键集合：{key}。"
RANKING_WORDS = {"last_token": "最后一个 token 的注意力", "text_mean": "所有文本行的注意力"}

WAITS = "正在排队……"
REFUSED = "无法在此运行：{reason}"
EMPTY = "模型立即结束了回答：回答为空。"
SAME = "与基线回答相同"
OTHER = "与基线回答不同"
METRIC_TOKENS = "视觉 token，平均"
METRIC_FLOPS = "预填充 FLOPs"
METRIC_KV = "KV 缓存"
METRIC_PREFILL = "预填充，实测"
METRIC_KL = "KL，回答均值"
METRIC_AGREES = "一致率"
OF_BASELINE = "基线的 {share:.0%}"
KL_NOTE = "首个 token {first}，最大 {most} nat"
AGREES_NOTE = "占基线 token 的比例"

LAYERS_TITLE = "每一层的视觉 token"
LAYERS_X = "解码器层"
LAYERS_Y = "预填充时的视觉 token 数"
LAYERS_UNIT = "个视觉 token"
LAYERS_CAPTION = (
    "预填充这个提示时，{layers} 个解码器层各自看到的视觉 token 数。曲线下的面积就是预算：各名称后面写有其平均值。"
    "MustDrop 的阶段 a 在第 0 层之前合并图块；阶段 c 在预填充之后裁剪缓存，不在这里显示。"
)
SERIES = "{title}：平均 {mean}"

TABLE_TITLE = "每种方法的代价，以及它使回答偏离多少"
TABLE_CAPTION = (
    "KL(P method ‖ P full)，单位 nat，取遍整个词表，在基线回答的每个 token 处计算，每种方法都给定该回答："
    "首个 token 处的值、均值与最大值。一致率：这些 token 中该方法也会说出的比例。"
    "FLOPs：{convention}。KV 缓存：解码时读取的提示的键和值，{dtype}。预填充：{device} 上的墙钟时间，"
    "各方法轮流运行多次，取中位数，含方法自身的工作；编码（从图片到 token）与解码只测一次。"
    "百分之几的差别没有意义。"
)
TABLE_SUMMARY = "{title}：{tokens} 个视觉 token，预填充 FLOPs 为基线的 {flops:.0%}，KL 为 {kl}（回答均值），{same}。"
TABLE_QUANTITY = "量"
TABLE_ROWS = (
    "回答",
    "回答相同",
    "一致率，基线回答的 token",
    "KL，首个 token（nat）",
    "KL，回答均值（nat）",
    "KL，回答最大值（nat）",
    "视觉 token 数，各层平均",
    "……在 KV 缓存中",
    "预填充 FLOPs（{flop}）",
    "……占基线的比例",
    "KV 缓存（{byte}）",
    "……占基线的比例",
    "图片编码（ms）",
    "预填充（ms）",
    "每 token 解码（ms）",
)
YES, NO = "是", "否"
