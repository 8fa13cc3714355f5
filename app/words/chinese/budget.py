"""Every sentence about methods at equal budget, in Chinese: the tab and its figures."""

TAB_BUDGET = "同等预算"
INTRO = (
    "每种方法都留下更少的视觉 token。**在视觉 token 数（各层平均）相同时，哪种方法损失最小，实际代价又是多少？** "
    "由 `python -m benchmarks.methods` 录制。"
)
NOT_RECORDED = "没有可显示的比较：{problem} 请运行 `python -m benchmarks.methods`。"
FACTS = (
    "测量于 {date}：模型 {model}（{layers} 层，{visual} 个视觉 token，权重 {weights}），"
    "{questions} 个留出问题，共 {kinds} 类，每类 {per_kind} 个，每个问题各有一张图片（种子 {seed}）；"
    "{processor} 的 {threads} 个线程（{cores} 核，平均负载 {load}），torch {torch}，transformers {transformers}。"
    "MustDrop 的阈值在另外 {fit_questions} 个问题上拟合。"
    "这本身并不说明其他模型的情况：请测量您自己的模型。"
)
CHANGED_WEIGHTS = "**这些数值所用的权重与现在这里的不同。** "

# ------------------------------------------------------------------ names
SERIES = {
    "none": "不撤除任何 token",
    "vtw": "VTW",
    "mustdrop": "MustDrop（阶段 a b c）",
    "mustdrop_ab": "MustDrop（阶段 a b）",
    "mustdrop_b": "MustDrop（仅阶段 b）",
    "fastv": "FastV（K = {k}）",
    "fastv_middle": "FastV（K = {k}）",
    "fastv_late": "FastV（K = {k}）",
    "fastv_mean": "FastV（K = {k}，文本行均值）",
    "random_fastv": "随机视觉 token（数目同 FastV）",
    "random_mustdrop": "随机视觉 token（数目同 MustDrop）",
    "random_vtw": "在 VTW 的 K 处丢弃随机的提示 token",
}
SHORT_NAMES = {
    "vtw": "VTW",
    "mustdrop": "MustDrop",
    "fastv": "FastV",
    "random_fastv": "随机 token",
    "random_mustdrop": "随机 token",
}
AT_K = "{series}，K = {k}"
AT_BUDGET = "{series}，{wanted:.0f} 个 token"
K_LABEL = "K = {k}"
ALL_SHORT = "全部短回答"
KINDS = {"describe": "描述"}
MEASURES = {
    "right": "完全正确的回答",
    "same": "与基线相同的回答",
    "kl_answer": "整个回答的 KL",
    "kl_first": "首个 token 处的 KL",
}
AXIS_Y = {
    "right": "完全正确的回答，%",
    "same": "与基线相同的回答，%",
    "kl_answer": "KL(P full ‖ P method)，回答均值，nat",
    "kl_first": "KL(P full ‖ P method)，首个 token 处，nat",
}
COSTS = {
    "flops": "预填充 FLOPs",
    "prefill_time": "实测预填充时间",
    "whole_time": "实测整个回答的时间",
    "visual_tokens": "视觉 token 数，各层平均",
    "kv_bytes": "提示的 KV 缓存",
}
AXIS_X = {
    "flops": "预填充 FLOPs，占基线的 %",
    "prefill_time": "预填充时间，占基线的 %",
    "whole_time": "整个回答的时间，占基线的 %",
    "visual_tokens": "视觉 token 数，各层平均",
    "kv_bytes": "提示的 KV 缓存，占基线的 %",
}
PERCENT = "%"
NATS = "nat"
TOKENS = "个视觉 token"
OF_BASELINE = "%（占基线）"

# ------------------------------------------------------------------ controls
CONTROL_KIND = "问题"
CONTROL_MEASURE = "所得（纵轴）"
CONTROL_COST = "代价（横轴）"
CONTROL_EVERY = "也显示变体和更多对照"
SAVE_NUMBERS = "全部数值，CSV"

# ------------------------------------------------------------------ figures
CHART_TITLE = "{measure}（纵轴）与{cost}（横轴）：{kind}"
CHART_CAPTION = (
    "每个点是一种方法的一种设定，在 {questions} 个留出问题（{kind}）上测得；向上{up}，向左更省。"
    "{measure}；{cost}；线把同一方法的各设定连起来。误差线：对问题重抽样的 95% 百分位自助法区间；"
    "宽度为零的区间只说明所有问题的结果一致。{note}VTW 从第 K 层起撤除所有视觉 token；"
    "其余方法设为相同的视觉 token 数（所有层平均），并画在实测的位置。"
)
DEFINITIONS = {
    "right": "完全正确：贪心解码的回答就是期望的文本，并在那里结束",
    "same": "相同：贪心解码的回答与基线逐 token 相同",
    "kl_answer": "KL(P full ‖ P method) 取遍词表，两侧都给定基线的回答，先对其各 token 取平均，再对问题取平均",
    "kl_first": "KL(P full ‖ P method) 取遍词表，在回答的首个 token 处，对问题取平均",
    "flops": "FLOPs 的算法：{convention}",
    "prefill_time": "解码器预填充的秒数与基线在同一问题上的秒数之比，在同一进程中轮流测量，对问题取中位数",
    "whole_time": "图片编码、预填充，以及按该方法自身的速度解码出与基线回答同样多的 token 所需的秒数，与基线之比，在同一进程中轮流测量，对问题取中位数",
    "visual_tokens": "预填充时的视觉 token 数，各层平均",
    "kv_bytes": "解码时读取的提示 KV 缓存的字节数",
}
NOTE_LOG = "KL 为 0 的点（例如基线）在对数轴上没有位置。"
BETTER_UP, BETTER_DOWN = "更好", "更差"
SUMMARY_CHANCE = "落后于基线的程度未超出偶然波动的最省设定：{points}。"
SUMMARY_KL = "KL 不超过 η = {eta:g} nat 的最省设定：{points}。"
SUMMARY_POINT = "{name}（{cost}）"
SUMMARY_NONE = "{name}：无"

TABLE_TITLE = "每种方法与设定：{kind}"
TABLE_COLUMNS = (
    "方法", "视觉 token，目标", "实测", "FLOPs，%", "KV 缓存，%", "预填充时间，%",
    "总时间，%", "正确，%", "正确率减基线，百分点", "回答相同，%", "KL，整个回答，nat",
    "KL，首个 token，nat",
)  # fmt: skip
TABLE_CAPTION = (
    "{questions} 个留出问题（{kind}）；方括号内是对问题重抽样的 95% 百分位自助法区间；"
    "与基线之差按配对计算。FLOPs、KV 缓存和时间以占基线的比例表示；时间取中位数，其余都取均值。"
    "定义见上图下方；“目标”是选取该设定时所对准的预算，需要拟合阈值时用的是另外的问题。"
)
TABLE_SUMMARY = "{methods} 类方法的 {count} 种设定。"
INTERVAL = "{value} [{low}, {high}]"

# ------------------------------------------------------------------ what it comes to
READING_TITLE = "什么情况下谁更好"
ON_SHORT = "短回答"
ON_LONG = "长回答（{kind}）"
AT_STAR = "{on}，{visual} 个视觉 token 中的 {tokens:.0f} 个，即 K\\* = {k}，首个不超过 η 的 K"
AT_LEAST = "{on}，最小的预算，{tokens:.0f} 个视觉 token，VTW 取 K = {k}"
SCORES = "**{where}。{verdict}** 完全正确的比例（括号内为整个回答的 KL，nat）：{scores}。"
SCORE = "{name} {value}（{kl}）"
VERDICT = "正确率高于 VTW（超出偶然波动）：{better}；低于 VTW：{worse}；未发现差别：{open}。"
NOBODY = "无"
LIST, LONG_LIST = "、", "；"
CONTROL = "**与各层数目相同的随机视觉 token 相比**，短回答，只计超出偶然波动者：{methods}。"
AGAINST_CHANCE = "{name}，{of} 个预算中有 {ahead} 个领先、{behind} 个落后"
TIMES_LESS = "**FLOPs 减少了，时间却没有减少同样多。** 在 K\\* 的预算下，FLOPs、预填充时间和整个回答的时间分别为：{costs}。"
TIMES = "**FLOPs 与时间。** 在 K\\* 的预算下，FLOPs、预填充时间和整个回答的时间分别为：{costs}。"
COST = "{name} {flops}、{prefill}、{whole}"
STAGES = "MustDrop 的各阶段，在 K\\* 的预算下，短回答：{stages}。"
STAGE = "{name}，{value} 正确，用 {tokens:.0f} 个视觉 token 和 {kv} 的 KV 缓存"
OUT_OF_REACH = "{series}：没有阈值能达到 {wanted} 个视觉 token。"

# ------------------------------------------------------------------ docs/equal-budget.md
FIGURE_ALT = "{measure}（纵轴）与{cost}（横轴），{kind}"
DOCUMENT_COLUMNS = (
    "方法", "视觉 token", "FLOPs", "预填充时间", "总时间", "短回答正确",
    "描述正确", "整个回答的 KL，短回答", "整个回答的 KL，描述",
)  # fmt: skip
DOCUMENT_TABLE = "方括号内是对问题重抽样的 95% 自助法区间；代价以占基线的比例表示；KL(P full ‖ P method)，单位 nat。"
