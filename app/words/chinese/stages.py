"""What became of each visual token, in Chinese: the viewer, its flow and its tables."""

SECTION = "逐个 token：每种方法丢弃了什么，以及原因"

STAGES = {
    "betweenSentences": "",
    "betweenParts": "，",
    "name": "每个视觉 token 的去向",
    # A visitor who has never heard of MustDrop reads these two sentences first.
    "plain": "MustDrop 在三个地方舍弃图片的部分内容来节省计算：它合并外观相近的相邻图块，在某些层丢弃文本几乎不看的图块，并在生成回答时只把其余部分留在内存中。逐个查看各阶段并指向一个图块：页面会说明它的去向和原因。",
    "plainScores": "{label}：该方法在某些层之后给每个视觉 token 打分，并让得分最低的离开。逐个查看这些决定并指向一个图块：页面会说明它在哪一层之后离开或保留，以及得分是多少。",
    "stepLabel": "阶段；用方向键切换",
    "play": "播放",
    "pause": "暂停",
    "steps": {
        "patches": "图块",
        "merged": "合并之后",
        "filter": "第 {layer} 层之后",
        "last": "最后一层",
        "cache": "KV 缓存",
    },
    "short": {
        "patches": "图块",
        "merged": "合并",
        "filter": "第 {layer} 层",
        "last": "末层",
        "cache": "缓存",
    },
    "about": {
        "patches": "视觉编码器把图片切成 {patches} 个图块；每个图块起初都是一个独立的 token。",
        "merged": "{windows} 个由相似图块组成的窗口各自合并为一个 token，在图中以轮廓标出：{patches} 个图块现在成为 {tokens} 个 token。关键集合中的 {keys} 个 token（虚线框）之后不得丢弃。",
        "unmerged": "阶段 a 已关闭：不做任何合并，也没有 token 属于关键集合。",
        "filter": "第 {layer} 层之后评判了仍在场的 {before} 个 token：丢弃 {fell} 个，{after} 个继续向后传递。",
        "last": "最后一层仍能看到的内容：{tokens} 个 token 中的 {after} 个。数字表示其余 token 在哪一层之后被丢弃。",
        "cache": "生成回答时解码所读取的内容：平均每层 {mean} 个 token，其中 {every} 个在每一层的 KV 缓存中。",
    },
    # Names of the states in the legend.
    "states": {
        "patch": "独立的 token",
        "single": "未合并",
        "merged": "合并窗口",
        "gone": "此前已离开",
        "fell": "丢弃：低于两个阈值",
        "both": "保留：γ 与 α 均达到",
        "global": "保留：占比达到 γ",
        "individual": "保留：峰值达到 α",
        "protected": "低于两个阈值，但属于关键集合",
        "kept": "保留",
        "stayed": "到达最后一层",
        "left": "在第 {layer} 层之后被丢弃",
        "throughout": "在每一层的缓存中",
        "early": "只在第 0–{layer} 层的缓存中",
        "first": "只在第 0 层的缓存中",
        "nowhere": "不在任何层的缓存中",
        "none": "没有 token 表示该图块",
    },
    "leftHere": "离开",
    "keySet": "关键集合（虚线框）",
    "legendLabel": "带计数的图例；点击其中一项可只看对应的图块",
    "legendHead": ["", "token", "图块"],
    "gridLabel": "图片的各图块：方向键移动光标，Page Up 和 Page Down 切换阶段，Esc 键取消光标。",
    "grid": "网格 {grid}",
    "gridOfImage": "网格 {grid}，图片 {image}",
    "noPicture": "保存的运行不包含图片本身，因此只显示网格。",
    "otherShape": "图片与网格形状不同：这里将图片拉伸到网格上，而模型可能对它做过填充或裁剪。",
    "extra": "另有 {count} 个视觉 token 不对应任何图块（行尾 token 或类别 token）：计入数目，但不画出。",
    # What a patch is told.
    "hint": "指向或点按一个图块，或用方向键移到那里。",
    "place": "第 {row} 行、第 {col} 列",
    "placeInGrid": "网格 {grid} 的第 {row} 行、第 {col} 列",
    "alone": "独立的 token",
    "window": "与所在窗口的 {size} 个图块合为一个 token",
    "key": "属于关键集合",
    "notKey": "不属于关键集合",
    "noToken": "没有 token 表示该图块",
    "head": "{place}：{window}，{key}。",
    "headOnly": "{place}：{window}。",
    "verdict": {
        "fell": "在第 {layer} 层之后它被丢弃：它占图片所得全部注意力的 {share}，低于 γ = {gamma}；峰值 {peak} 低于 α = {alpha}。",
        "both": "在第 {layer} 层之后它得以保留：它占图片所得全部注意力的 {share}，达到 γ = {gamma}；峰值 {peak} 达到 α = {alpha}。",
        "global": "在第 {layer} 层之后它得以保留：它占图片所得全部注意力的 {share}，达到 γ = {gamma}，尽管峰值 {peak} 低于 α = {alpha}。",
        "individual": "在第 {layer} 层之后它得以保留：有一个文本 token 给了它 {peak}，达到 α = {alpha}，尽管它只占图片所得全部注意力的 {share}，低于 γ = {gamma}。",
        "protected": "在第 {layer} 层之后它得以保留，只因属于关键集合：它占图片所得全部注意力的 {share}，低于 γ = {gamma}；峰值 {peak} 低于 α = {alpha}。",
        "gone": "到第 {layer} 层之后的过滤时，它已经不在了。",
    },
    # Of a method of which only the scores are known.
    "judgedLeft": "在第 {layer} 层之后它离开：{scores}。",
    "judgedStayed": "在第 {layer} 层之后它得以保留：{scores}。",
    "judgedReason": "该策略给出的原因：{reason}。",
    "scoreAlone": "{title} {value}",
    "scoreAgainst": "{title} {value}（阈值 {threshold}）",
    "scoreX": "视觉 token，按其在提示中的顺序",
    "scoreLabel": "第 {layer} 层之后所评判的每个 token 的{title}，按其在提示中的顺序；虚线为阈值。",
    "thresholdLine": "虚线：阈值 {threshold}。",
    "noThreshold": "它不与任何阈值比较。",
    "endStayed": "它到达了最后一层，每一层的 KV 缓存都保留它。",
    "endEarly": "生成回答时，第 0–{layer} 层的 KV 缓存保留它。",
    "endFirst": "生成回答时，只有第 0 层的 KV 缓存保留它。",
    "endNowhere": "生成回答时，没有任何 KV 缓存保留它。",
    # The scatter plot of one filter.
    "scatterTitle": "原因：第 {layer} 层之后的决定",
    "scatterX": "在图片所得全部注意力中的占比",
    "scatterY": "峰值：单个文本 token 给出的最大值",
    "falls": "丢弃",
    "scatterLabel": "第 {layer} 层之后的过滤所评判的每个 token，按占比与峰值画出；位于 γ 左侧且低于 α 的 token 被丢弃，除非属于关键集合。",
    "noFilter": "阶段 b 已关闭：不运行任何过滤，因此解码器中不丢弃任何 token。",
    # Thresholds.
    "controls": "试试其他阈值",
    "gamma": "γ，全局阈值",
    "alpha": "α，个体阈值",
    "wanted": "或指定视觉 token 数（各层平均）",
    "stageA": "a · 在视觉编码器中合并",
    "stageB": "b · 在解码器中过滤",
    "stageC": "c · 缩减 KV 缓存",
    "measured": "实测：模型以 γ = {gamma}、α = {alpha} 运行；平均每层 {mean} 个视觉 token。",
    "measuredOf": "实测：{label}；平均每层 {mean} 个视觉 token。",
    "predicted": "γ = {gamma}、α = {alpha} 的预测：平均每层 {mean} 个视觉 token。",
    "howFar": "直到第 {layer} 层之后的过滤都是精确的；再往后是估计，因为注意力是在剩余 token 不同的情况下记录的。松开后，模型会以这些阈值运行。",
    "measuring": "模型正以这些阈值运行……",
    "answer": "采用这些阶段时的回答：",
    # The flow.
    "flowTitle": "token 的去向",
    "flowPatches": "图块",
    "flowTokens": "token",
    "flowLayers": "解码器层",
    "flowSeen": "预填充时每一层看到的视觉 token",
    "flowCached": "其 KV 缓存中的视觉 token，每个回答 token 都要读取",
    "flowMerged": "已合并",
    "flowFell": "丢弃于第 {layer} 层",
    "flowSummary": "{patches} 个图块，合并后 {tokens} 个 token（减少 {merged} 个）{falls}；最后一层 {last} 个。KV 缓存：{cached}。",
    "flowUnmerged": "{patches} 个图块，每个都是独立的 token{falls}；最后一层 {last} 个。KV 缓存：{cached}。",
    "flowFall": "，第 {layer} 层之后 {after} 个（丢弃 {fell} 个）",
    "flowCachedRun": "第 {first}–{last} 层 {count} 个",
    "flowCachedOne": "第 {first} 层 {count} 个",
    "flowScale": "高度与 token 数目成正比。",
    "save": "将流向图保存为 {format}",
    "terms": "术语含义",
}

# One text for each term, after docs/strategies.md; (term, text).
TERMS = (
    ("窗口", "阶段 a 把图块网格切成 3 × 3 的窗口，在 3 不能整除时右侧和下侧边缘的窗口更小。若一个窗口在编码器第一层之后、对不同图块两两计算的平均余弦相似度不低于 0.8，它就成为一个 token：取其各图块的均值，位于其第一个图块原来的位置。"),
    ("关键集合", "对每张图片，在合并后剩下的 N 个 token 中，[CLS] 在编码器最后一层给予注意力最多的 ⌈0.08 N⌉ 个，各头平均；在没有 [CLS] 的视觉编码器中，则取从所有 token 得到注意力最多的那些。之后的阶段不得丢弃它们。"),
    ("占比", "首个视觉 token 之后的所有文本行给予仍在场的全部视觉 token 的 softmax 注意力中，一个 token 所占的部分，各头平均：Σᵢ Aᵢⱼ / Σᵢⱼ Aᵢⱼ。取自该过滤层自身。"),
    ("γ，全局阈值", "对整段文本而言，一个 token 的占比须达到此值才得以保留。"),
    ("峰值", "单个文本行给予该 token 的最大值：maxᵢ Aᵢⱼ，该行分配给它之前全部内容的总量为 1；各头平均。"),
    ("α，个体阈值", "仅就单个词而言，一个 token 的峰值须达到此值才得以保留。"),
    ("双注意力过滤", "阶段 b：在某些层（32 层时为 2、6、10、14，按深度缩放）之后，若一个 token 的占比低于 γ、峰值低于 α 且不属于关键集合，它就被丢弃。"),
    ("受保护", "低于两个阈值，但属于关键集合：它得以保留。"),
    ("输出感知缓存", "阶段 c：预填充完成后，从第一个过滤层到最后一个过滤层的 KV 缓存只保留最后一层看到的视觉 token。其他层的缓存保持不变。"),
)  # fmt: skip

# Of a score, and of whose attention it is where the strategy has a choice: its name, its definition.
SCORES = {
    "attention last_token": ("注意力", "注意力：提示的最后一个 token 给予该视觉 token 的 softmax 权重，各头平均，以该行分配总量的百分比表示。所取的层即评判所在的那一层；阈值是得以保留的最低得分。"),
    "attention text_mean": ("注意力", "注意力：该视觉 token 得到的 softmax 权重，对各头以及首个视觉 token 之后的所有文本行取平均，以一行分配总量的百分比表示。所取的层即评判所在的那一层；阈值是得以保留的最低得分。"),
}  # fmt: skip
SCORE_OF_ITS_OWN = "该策略称为“{name}”的得分，单位由该策略自定。"

# ------------------------------------------------------------------ tables
TABLES = "以表格查看数值"
FLOW_TITLE = "逐层的视觉 token"
FLOW_COLUMNS = ("步骤", "视觉 token", "所表示的图块", "在此离开", "原因", "在 KV 缓存中")
FLOW_PATCHES = "图块"
FLOW_MERGED = "合并之后"
FLOW_LAYER = "第 {layer} 层"
FLOW_WHY_MERGED = "{windows} 个窗口的 {patches} 个图块成为 {windows} 个 token"
FLOW_WHY_FELL = "在该层之后：占比低于 γ = {gamma}，峰值低于 α = {alpha}，且不属于关键集合"
FLOW_CAPTION = "每个解码器层在预填充时看到的视觉 token，以及其 KV 缓存为解码保留的视觉 token；一个提示，MustDrop 取 γ = {gamma}、α = {alpha}，阶段 {stages}。所表示的图块：一个合并后的 token 代表其窗口中的所有图块。"
FLOW_WHY_LEFT = "在该层之后，依据得分：{names}"
FLOW_CAPTION_OF = "每个解码器层在预填充时看到的视觉 token，以及其 KV 缓存为解码保留的视觉 token；一个提示，{label}。所表示的图块：一个合并后的 token 代表其窗口中的所有图块。"
LIST = "、"
FLOW_SUMMARY = "{first} 个 token 进入解码器，{last} 个到达最后一层；平均每层 {mean:.1f} 个，KV 缓存中 {cached:.1f} 个。"
TOKENS_TITLE = "每个视觉 token"
TOKENS_COLUMNS = ("token", "网格", "行", "列", "图块", "关键集合")
TOKENS_FATE = "第 {layer} 层：去留"
TOKENS_SHARE = "第 {layer} 层：在图片所得全部注意力中的占比"
TOKENS_PEAK = "第 {layer} 层：单个文本行给出的最大值"
TOKENS_SCORE = "第 {layer} 层：{name}"
TOKENS_SAVE = "每个 token 的得分与去留（CSV）"
FATES = (
    "此前已离开", "丢弃", "保留：占比与峰值", "保留：占比", "保留：峰值",
    "保留：关键集合",
)  # fmt: skip
FATES_BY_SCORE = ("此前已离开", "离开", "保留")
YES, NO = "是", "否"

# ------------------------------------------------------------------ notices
NOTHING = "上面没有正在比较的方法。请在一个面板中选择一种方法（如 FastV 或 MustDrop）并进行比较：它丢弃的每个 token 都会显示在这里，并附上原因。"
NOT_JUDGED = "{label}：没有任何 token 依据得分被评判，因此没有可逐个 token 显示的原因。上面给出了每一层看到多少个 token。"
NOT_TOLD = "{label}：并非每个 token 都是依据所记录的得分离开的，因此无法逐个显示。上面给出了每一层看到多少个 token。"
WHICH = "哪种方法"
NO_PICTURE = "这里没有这次运行的图片，因此模型无法再次运行：保存的运行不包含图片。请先在“对比”标签页中就一张图片提问。"
BROKE = "以这些阈值运行失败；显示的是之前的那次运行。"
