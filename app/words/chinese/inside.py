"""Every sentence about what happens inside a run, in Chinese: figures, and the tabs of them."""

TAB_SINKS = "注意力汇"
TAB_MIGRATION = "信息迁移"
NO_INSIDE = "这次运行没有记录内部过程。请点击 **运行对比**（在 *对比* 标签页中），在开启记录的情况下探查这张图片，然后再回到这里。"
SINKS_INTRO = "每个文本 token 都把总量为 1 的注意力分配给它之前的全部内容。**这些注意力逐层流向哪里，又有多少留给了图片？**"
MIGRATION_INTRO = "如果图片可以在第 K 层离开，那么它所提供的信息到那时必定已经迁移到文本 token 中。**注意力只能暗示这一点；在模型不知情的情况下替换图片，才能检验它。**"

# ------------------------------------------------------------------ names used by several figures
SEGMENTS = {
    "bos": "BOS",
    "system": "系统提示",
    "visual": "图片",
    "question": "问题",
    "answer": "回答",
}
ROWS = {
    "last_prompt": "提示的最后一个 token（由它给出首个回答 token）",
    "all_text": "图片之后的所有文本 token",
    "question": "问题的各 token",
    "answer": "回答的各 token",
}
ROWS_IN_WORDS = {
    "last_prompt": "提示的最后一个 token",
    "all_text": "图片之后的所有文本 token",
    "question": "问题的各 token",
    "answer": "回答的各 token",
}
ONE_ROW = "位置 {position} 的 token“{piece}”"
HEADS_MEAN = "各头平均（共 {heads} 个头）"
ONE_HEAD = "头 {head}（共 {heads} 个头）"
LAYER = "层"
LAYER_NUMBER = "第 {layer} 层"
STATE_NUMBER = "隐藏状态 {state}"
STATE = "隐藏状态"
HEAD = "头"
POSITION = "提示中的位置，其后是回答"
TOKEN_AT = "{position}: {piece}"
TEXT_TOKEN = "文本 token"
SHARE_UNIT = "注意力占比"
PROBABILITY_UNIT = "概率"
NATS = "nat"

# ------------------------------------------------------------------ attention sinks
SINKS_TITLES = {
    "mass": "注意力流向哪里：按片段统计",
    "received": "哪些 token 接收注意力：每个位置、每一层",
    "heads_sink": "BOS 与系统提示，逐头",
    "heads_visual": "图片，逐头",
    "layer_map": "第 {layer} 层的注意力",
    "layer_sheet": "每一层的注意力",
    "looks": "同样的内容，所有层一览，可下载",
    "sink_table": "接收注意力最多的 token",
    "visual_table": "接收注意力最多的视觉 token",
    "massive_table": "巨量激活（massive activations）",
}
MASS_CAPTION = "各片段所有键上的 softmax 注意力权重之和；查询行：{rows}（取均值）；{heads}；{withdrawn}。每一列之和为 100%。"
NOTHING_WITHDRAWN = "未撤除任何 token"
WITHDRAWN_AT = "从第 K = {k} 层起撤除图片，并给定基线回答"
MASS_SUMMARY = "在最后一层，{first:.1%} 的注意力流向 BOS 与系统提示，{visual:.1%} 流向图片；图片的最大占比为 {most:.1%}，出现在第 {layer} 层。"
RECEIVED_CAPTION = "一个位置接收到的 softmax 权重的均值，在所有能看到该位置的行上取平均，其中包括它自身所在的行（能看到最后几个位置的行很少）；各头平均；未撤除任何 token；所有层使用同一刻度。"
RECEIVED_SUMMARY = "在较深的一半层中，“{piece}”（{segment}，位置 {position}）接收最多：能看到它的各行平均给它 {received:.1%}，是均匀分配的 {times:.1f} 倍。"
HEADS_CAPTION = "{segments}上的 softmax 权重之和；查询行：{rows}（取均值）；未撤除任何 token；两张图使用同一刻度，从 0 到 100%。"
HEADS_SUMMARY = "{segments}上的最大占比为 {most:.1%}（第 {layer} 层，头 {head}）；所有头与所有层的均值为 {mean:.1%}。"
SINK_SEGMENTS = "BOS 与系统提示"
VISUAL_SEGMENT = "图片"
QUERY = "查询"
KEY = "键"
MAP_CAPTION = "Softmax 权重，各头平均，未撤除任何 token：行是查询，列是键；{bins}对数刻度；空白的一半属于未来。"
BINS_ONE = "每对位置对应一个格子。"
BINS_MANY = "每格约含 {width:.3g} 个位置，对查询取均值、对键求和，因此每行之和为 1。"
MAP_SUMMARY = "在第 {layer} 层，最亮的一列是“{piece}”：占注意力的 {share:.1%}，对所有查询取均值。"
PATCH_ROW = "图块行"
PATCH_COLUMN = "图块列"
LOOKS_LAYER = "{layer}: {share:.0%}"
LOOKS_CAPTION = "第一个网格中各图块上的 softmax 权重；查询行：{rows}（取均值）；各头平均（共 {heads} 个头）；{withdrawn}；所有层使用同一刻度；层号旁是未撤除任何 token 时图片上的权重之和。没有图片的层留空。"
LOOKS_SUMMARY = "图片在第 {layer} 层得到的注意力最多，为 {share:.1%}；在最后一层为 {last:.1%}。"
SHEET_CAPTION = "与单层的图相同，但画出所有层，共用一个对数刻度：查询自上而下，键自左向右。带框的是上面选中的层。"
SHEET_SUMMARY = "共 {layers} 层。其中 {same} 层的最亮列位于同一个键。"
SINK_COLUMNS = (
    "排名", "token", "片段", "位置", "图块（行，列）", "接收的注意力",
    "均匀分配的倍数", "值向量范数 / 中位数", "离群分数", "能看到它的行数",
)  # fmt: skip
SINK_TABLE_CAPTION = "按较深的一半层（从第 {start} 层起）中接收到的平均权重排名，在各头以及所有能看到该 token 的行上取平均。均匀分配的倍数：以对所有可见内容均匀分配注意力的行为参照。值向量范数：值向量的长度与该层中位数之比；注意力汇的值向量往往较短。离群分数：最大的 |分量| 与该层中位数之比。"
SINK_TABLE_SUMMARY = "“{piece}”（{segment}）接收最多：是均匀分配的 {times:.1f} 倍。"
VISUAL_TABLE_SUMMARY = "在接收注意力最多的 {count} 个视觉 token 中，有 {border} 个位于网格边缘。"
PATCH = "{row}, {col}{border}"
PATCH_IN_GRID = "{row}, {col}，网格 {grid}{border}"
ON_BORDER = "（边缘）"
MASSIVE_COLUMNS = ("token", "位置", "首次出现的隐藏状态", "最强的隐藏状态", "分数")
MASSIVE_CAPTION = "存在某个分量不低于该层隐藏状态 |分量| 中位数 {threshold:.0f} 倍的位置（arXiv 2402.17762 判据中的相对部分）。"
MASSIVE_SUMMARY = "{count} 个位置带有巨量激活。"
MASSIVE_NONE = "没有位置带有巨量激活：最大的分量是中位数的 {score:.0f} 倍（“{piece}”，隐藏状态 {state}）。小模型很少出现巨量激活。"

# ------------------------------------------------------------------ information migration
MIGRATION_TITLES = {
    "joint": "对图片的注意力，以及图片仍起的作用",
    "causal_kl": "从第 l 层起替换图片：回答会偏离多远？",
    "causal_probability": "……原来的回答还有多大概率？",
    "settings_table": "K = {k} 处的三种设置",
    "shares": "谁还在看图片？",
    "share_per_token": "哪个文本 token 在看图片，在哪一层看",
    "lens": "模型会说什么：逐个隐藏状态来看",
    "lens_probability": "回答在何时确定",
    "lens_patches": "各图块会说什么：隐藏状态 {state}",
    "cosine": "文本 token 隐藏状态的方向，在 K = {k} 处撤除图片",
    "norm_ratio": "文本 token 隐藏状态的长度，在 K = {k} 处撤除图片",
}
JOINT_SHARE = "对图片的注意力"
JOINT_CAUSAL = "从第 l 层起替换图片"
JOINT_KL = "从第 K 层起撤除图片"
JOINT_CAPTION = "上：{rows} 对图片的注意力占比，各头平均；第 l 层画在 l 与 l + 1 之间。{causal}下：KL(P withdrawn at K ‖ P full)，在回答的 {tokens} 个 token 上取均值，单位为 nat，给定基线回答。η = {eta:g}。小于坐标轴下限的值不画出。"
JOINT_CAUSAL_CAPTION = (
    "中：KL(P exchanged ‖ P full)，计算方式相同，此时文本从第 l 层起改为关注图片“{image}”。"
)
JOINT_AGREE = "注意力与因果检验一致：凡是对图片的注意力低（从该层起一直低于 {low:.0%}）的层，都不再需要图片；注意力更高的层，也没有一层不用图片。"
JOINT_LOW_USED = "从第 {layers} 层起，对图片的注意力一直低于 {low:.0%}，但从那里替换图片仍会使回答偏离：注意力低并不能证明图片没有被使用。"
JOINT_HIGH_UNUSED = "在第 {layers} 层，有 {low:.0%} 或更多的注意力落在图片上，但从那里起替换图片并不会使回答偏离：注意力并不能证明图片被使用。"
NO_COUNTERFACTUAL = "这次运行没有记录其他图片，因此没有因果检验。"
K_OR_L = "l 或 K：第一个被改动的层"
AXIS_KL = "KL（nat，对数刻度）"
AXIS_SHARE = "占比"
AXIS_PROBABILITY = "每个 token 的概率"
OTHER_IMAGE = "从第 l 层起换成图片“{name}”"
MISLED_CURVE = "K 之前为图片“{name}”，从 K 起没有图片"
WITHDRAWN_CURVE = "从第 K 层起撤除"
ETA_MARK = "η = {eta:g}"
BASELINE_MARK = "原始运行"
CAUSAL_CAPTION = "KL(P ‖ P full)，单位为 nat，在回答的 {tokens} 个 token 上取均值，给定基线回答。在第 l 层之前，文本行关注真实图片；从第 l 层起，关注另一张图片的键和值；作为对照，另画出从第 K 层起没有图片的情形。小于坐标轴下限的值不画出，为 0 的 KL 在对数轴上没有位置。"
CAUSAL_SUMMARY = "换成图片“{name}”时，曲线从 l = {at} 起（共 {layers} 层）保持不超过 η = {eta:g}；撤除时则从 K = {k} 起。"
CAUSAL_PROBABILITY_CAPTION = "基线自身回答的概率，取其 {tokens} 个 token 的几何平均；既有上述同样的运行，也有在第 K 层之前使用另一张图片、从第 K 层起没有任何图片的运行。"
CAUSAL_PROBABILITY_SUMMARY = "原始运行给自身回答的概率为每个 token {baseline:.1%}；每一层都换成图片“{name}”时为 {other:.1%}，完全没有图片时为 {never:.1%}。"
SETTINGS_COLUMNS = (
    "设置", "相对原始运行的 KL（nat）", "其回答的概率", "最可能的 token 相同",
)  # fmt: skip
SETTINGS = {
    "never_seen": "(a) 任何层都没有图片",
    "misled": "(b) 第 K = {k} 层之前为图片“{image}”，从第 K 层起没有图片",
    "withdrawn": "(c) 第 K = {k} 层之前为真实图片，从第 K 层起没有图片",
}
SETTINGS_CAPTION = "在回答的各 token 上取均值，给定基线回答；VTW 的作者正是用这一对照来论证信息迁移。如果 (c) 与原始运行接近而 (b) 不接近，说明文本在第 K 层之前已经吸收了图片的信息。"
SETTINGS_SUMMARY = "在 K = {k} 处：没有图片时 KL 为 {never} nat，被图片“{name}”误导时为 {misled}，先用真实图片再撤除时为 {withdrawn}。"
SHARES_CAPTION = "视觉 token 上的注意力占比，在各头与各行上取均值，未撤除任何 token。文本：{rows}。图片：视觉 token 自身的行。均匀：{rows} 若对所有可见内容均匀分配注意力时的占比。"
SHARES_SUMMARY = "文本在第 0 层给图片 {first:.1%} 的注意力，最多 {most:.1%}（第 {layer} 层），在最后一层为 {last:.1%}。"
TEXT_TO_VISUAL = "文本 → 图片"
VISUAL_TO_VISUAL = "图片 → 图片"
EVEN = "均匀分配"
PER_TOKEN_CAPTION = (
    "每个文本 token 对图片的注意力占比，各头平均，未撤除任何 token；所有层使用同一刻度。"
)
PER_TOKEN_SUMMARY = "第 {layer} 层的“{piece}”看图片最多：占其注意力的 {most:.1%}。"
LENS_CAPTION = "Logit lens：对给出回答 token {t}（“{piece}”）的那一行，把最终归一化与输出头应用于每个隐藏状态（隐藏状态 x 进入第 x 层，最后一个离开模型）；列出其最可能的 {count} 个 token，最可能的在前；颜色：概率。{withdrawn}"
LENS_WITHDRAWN = "右侧：从第 K = {k} 层起撤除图片时的同样结果。"
LENS_WITHDRAWN_CURVE = "虚线：从第 K = {k} 层起撤除图片。"
LENS_FIRST_ONLY = "撤除的结果只对首个回答 token 有记录。"
LENS_LEADS = "“{piece}”在隐藏状态 {first} 首次领先，并从隐藏状态 {stays} 起一直领先。"
LENS_LEADS_NOT = "“{piece}”从未稳定领先：该回答是采样得到的。"
LENS_LEADS_AT_K = "在 K = {k} 处撤除时，它在隐藏状态 {first} 首次领先。"
LENS_NEVER_AT_K = "在 K = {k} 处撤除时，它从未领先。"
RANK = "{rank}."
LENS_PROBABILITY_CAPTION = (
    "按 logit lens 得到的“{piece}”（回答 token {t}）在每个隐藏状态中的概率。{withdrawn}"
)
LENS_FULL = "未撤除"
LENS_AT_K = "在 K = {k} 处撤除"
LEADS_MARK = "领先"
PATCHES_CAPTION = "对网格 {grid} 的视觉 token 使用 logit lens：每个图块在隐藏状态 {state} 中最可能的 token，颜色：其概率。"
PATCHES_SUMMARY = "在最多图块上居首的词是“{piece}”（{patches} 个图块中有 {count} 个）。"
ROW = "行"
COLUMN = "列"
COSINE_CAPTION = "文本 token 的隐藏状态在 K = {k} 处撤除图片与不撤除时的余弦相似度，给定基线回答。隐藏状态 x 进入第 x 层；直到隐藏状态 K，两者都相同。所有 K 使用同一刻度。"
STATE_UNITS = {"cosine": "余弦", "norm_ratio": "范数比"}
COSINE_SUMMARY = "最不相似的是“{piece}”的隐藏状态 {state}：余弦相似度为 {least:.3f}。"
NORM_CAPTION = "文本 token 的隐藏状态在 K = {k} 处撤除图片时的长度，与不撤除时的长度之比。所有 K 使用同一刻度。"
NORM_SUMMARY = "长度变化最大的是“{piece}”的隐藏状态 {state}：{most:.3f} 倍。"
SIMILARITY_SAME = "K = L：未撤除任何 token，因此每个隐藏状态都相同。"

# ------------------------------------------------------------------ parts of the page
CHART = {
    "afterTitle": "。",
    "save": "保存为文件：",
    "failed": "无法加载图表：请检查网络连接并重新加载页面。其中的数值在 CSV 里。",
    "inEnglish": "（图中文字为英文，因为服务器上没有中文字体）",
}
FIGURE_GONE = "这张图已不存在：请重新打开该标签页。"
KBAR = {
    "k": "K = {k}（共 {layers} 层）：图片从此离开",
    "short": "K = {k} / {layers}",
    "atL": "K = L = {layers}：图片保留",
    "earlier": "早一层",
    "later": "晚一层",
    "model": "模型 {model}",
}
GAZE = {
    "betweenSentences": "",
    "title": "它在看哪里",
    "how": "选择一个词：图片逐层显示它关注哪些图块。点击一个图块：各个词按读取该图块的程度亮起。",
    "howServed": "选择一个词：图片逐层显示它关注哪些图块。点击一个图块：各个词按读取该图块的程度亮起。这次运行的数据较大，因此每次选择都从服务器获取。",
    "wordsLabel": "图片之后的文本 token；用方向键选择",
    "largeLabel": "所选的词对每个图块的注意力；方向键在图块间移动光标，Esc 键取消光标。",
    "sheetLabel": "每一层的同样内容；点击其中一层可放大查看",
    "layer": "第 {layer} 层",
    "own": "逐层归一化",
    "withdraw": "在 K = {k} 处撤除",
    "backdrop": "显示图片",
    "bar": "该词的注意力在一个图块上的占比",
    "grid": "网格 {grid}",
    "gridOfImage": "网格 {grid}，图片 {image}",
    "whichImage": "显示",
    "everyImage": "所有图片",
    "image": "只看图片 {image}",
    "gone": "第 {layer} 层看不到图片：图片从第 K = {k} 层起被撤除。",
    "goneReadout": "已撤除：从第 K = {k} 层起没有视觉 token 可看，因此第 {layer} 层不给图片任何注意力。",
    "goneShort": "无",
    "patch": "第 {row} 行、第 {col} 列",
    "patchInGrid": "网格 {grid} 的第 {row} 行、第 {col} 列",
    "noPatch": "不对应任何图块的 token",
    "readout": "第 {layer} 层：“{piece}”把 {mass} 的注意力给了图片，其中最多的落在{patch}：{most}。",
    "reads": "它给所选图块（{patch}）{share}；读取该图块最多的是“{reader}”，为 {most}。",
    "clickPatch": "点击一个图块，查看谁在读取它。",
    "thumb": "第 {layer} 层：{mass} 的注意力在图片上",
    "thumbGone": "第 {layer} 层：图片已撤除",
}
GAZE_DEFINITION = "一个文本 token 对每个视觉 token 的 softmax 注意力权重，各头平均（共 {heads} 个头），未撤除任何 token；每层下方是整张图片上的总和。同一个词的所有层使用同一刻度，从 0 到它的最大权重，除非选择逐层归一化；叠加在图片上时，注意力越低越透明。在 K 处撤除图片时，第 K 层之前的各层与此相同。"
GAZE_NO_PICTURE = "保存的运行不包含图片本身，因此只显示网格。"
GAZE_OTHER_SHAPE = "图片（{width} × {height}）与网格（{rows} × {cols} 个图块）形状不同：这里将图片拉伸到网格上，而模型可能对它做过填充或裁剪。"

# ------------------------------------------------------------------ controls
CONTROL_ROWS = "谁的注意力"
CONTROL_HEAD = "头"
CONTROL_HEAD_MEAN = "各头平均"
CONTROL_HEAD_ONE = "头 {head}"
CONTROL_WITHDRAWN = "在 K 处撤除图片（各头平均）"
CONTROL_LOG = "对数色标"
CONTROL_LAYER = "注意力图的层"
CONTROL_IMAGE = "另一张图片"
CONTROL_TOKEN = "logit lens 的回答 token"
CONTROL_STATE = "图块 logit lens 的隐藏状态"
GRID_OF_IMAGE = "{rows} × {cols}，图片 {image}"
CONTROL_GRID = "图块网格"
SECTION_SEGMENTS = "哪些 token 占据注意力"
SECTION_GAZE = "留给图片的还有多少"
SECTION_MAPS = "注意力图本身"
SECTION_TOKENS = "哪些 token 是注意力汇"
SECTION_TOGETHER = "注意力与用途，上下对照"
SECTION_CAUSAL = "因果检验：在模型不知情的情况下替换图片"
SECTION_ATTENTION = "注意力说明了什么"
SECTION_LENS = "隐藏状态已经说出了什么"
SECTION_STATES = "撤除对文本的隐藏状态有何影响"

# ------------------------------------------------------------------ verdicts
# Bold ends on a letter here: Markdown does not close it between a Chinese stop and a Chinese word.
VERDICT_SINK = "**存在注意力汇（attention sink）**：从第 {start} 层到最后一层，仅位置 {position}（{segment}）就占{rows} 注意力的 {share:.1%}。"
VERDICT_NO_SINK = "**没有哪个 token 在所有深层都是注意力汇（attention sink）**：从第 {start} 层起，这些行之前最强的 token，即位置 {position}（{segment}），占{rows} 注意力的 {share:.1%}；达到 {least:.0%} 才算注意力汇。"
VERDICT_PEAK = "个别层的情况不同：在第 {layer} 层，位置 {position}（{segment}）占 {share:.1%}。"
VERDICT_NOTHING_BEFORE = "**这些行之前没有 token，因此谈不上注意力汇**。"
VERDICT_FROM = "从第 {from_layer} 层起，BOS 与系统提示合计接收的注意力多于图片：{first:.1%} 对 {visual:.1%}，相当于 {count} 个视觉 token 中每个 {token:.2%}（若均匀分配，合计应为 {even:.1%}）。"
VERDICT_NEVER = "直到最后一层，图片接收的注意力仍多于 BOS 与系统提示：在较深的一半层中为 {visual:.1%} 对 {first:.1%}（若均匀分配应为 {even:.1%}）。"
VERDICT_KL = "那么图片在那里就没用了吗？从第 {start} 层起撤除图片，首个 token 的 KL 为 {kl} nat，整个回答的平均 KL 为 {mean} nat，回答{same}。"
VERDICT_SAME = "保持不变"
VERDICT_OTHER = "发生改变"

# ------------------------------------------------------------------ the visitor's own causal test
OTHER_UPLOAD = "用您的图片检验"
OTHER_EXAMPLE = "……或用某个示例的图片"
OTHER_NO_PICTURE = (
    "这里没有这次运行的图片：保存的运行不包含图片。请先在 *对比* 标签页中就一张图片提问。"
)
OTHER_ELSEWHERE = "请重新选择另一张图片：文件没有以上传的方式送达。"
OTHER_BROKE = "因果检验失败；这次运行保持原样。"
