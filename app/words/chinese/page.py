"""Every sentence of the page, in one place, in Chinese."""

from typing import Any

TITLE = "视觉 token 撤除（VTW）"
INTRO = (
    "视觉语言模型让图片的每个图块都经过每一层。"
    "**从第 K 层起把它们全部撤除：回答会变吗？** "
    "先就一张图片提问，再拖动 K。"
)
THEME_SWITCH = {"name": "浅色或深色", "toDark": "深色显示", "toLight": "浅色显示"}
LINKS = (
    "[VTW 论文](https://arxiv.org/abs/2405.05803) · "
    "[MustDrop 论文](https://arxiv.org/abs/2411.10803)"
)

TAB_COMPARE = "对比"
TAB_CALIBRATE = "校准"
TAB_NUMBERS = "数值的含义"
STEP_PICTURE = "1 · 图片"
STEP_QUESTION = "2 · 问题"
TAB_UPLOAD = "上传或粘贴"
TAB_DRAW = "绘制"
ADD_PICTURE = "为这个问题再加一张图片"
ONE_PICTURE = "内置模型训练时每次只看一张图片，因此只能就一张图片提问。"
TOO_MANY_PICTURES = "这里一个问题最多 {most} 张图片：请先取出一张。"
FURTHER = {
    "picture": "图片 {number}",
    "earlier": "把图片 {number} 移到第 {before} 位",
    "remove": "取出图片 {number}",
}
EXAMPLES = "示例（预先录制，立即显示）"
# Names of pictures: of the examples, of those made from another, and of a visitor's own.
PICTURES = {
    "Small or large": "大还是小",
    "Three shapes": "三个图形",
    "Count the stars": "数星星",
    "One circle": "一个圆",
    "Left or right": "左还是右",
    "Is there no ...": "是不是没有……",
    "One over another": "一个压着一个",
    "More or fewer": "更多还是更少",
    "A long answer": "长回答",
    "white": "纯白",
    "noise": "噪声",
    "blurred": "模糊",
    "your picture": "您的图片",
}
PICTURE = "图片"
DRAWING = "绘图"
QUESTION = "问题"
QUESTION_PLACEHOLDER = "what color is the circle ?"
# Example prompts stay English: the embedded model, and most small ones, understand nothing else.
SUGGESTIONS = (
    "what color is the circle ?",
    "where is the square ?",
    "how many objects are there ?",
    "is there a red star ?",
    "are there more circles than squares ?",
    "describe the image.",
)
SUGGESTIONS_FOR_STICKERS = (
    "What is at the top left?",
    "Where is the dog?",
    "How many things are in the picture?",
    "Is there a red heart?",
    "What sound does the animal at the left make?",
    "Describe the picture.",
)
SUGGESTIONS_FOR_PHOTOGRAPHS = (
    "What is in the picture?",
    "What color is the largest object?",
    "How many people are there?",
    "Where was this picture taken?",
    "Is there any text in the picture?",
    "Describe the image in detail.",
)
RUN = "运行对比"
CANCEL = "取消"

# What Gradio says by itself and has no Chinese for, by its own names.
GRADIO = {
    "image_editor.brush": "画笔",
    "image_editor.brush_size": "画笔粗细",
    "image_editor.clear_canvas": "清空画布",
    "image_editor.color": "颜色",
    "image_editor.erase": "橡皮擦",
    "image_editor.eraser_size": "橡皮擦大小",
    "image_editor.fit_to_screen": "适应窗口",
    "image_editor.pan": "平移",
    "image_editor.redo": "重做",
    "image_editor.select_draw_tool": "选择画笔即可绘制",
    "image_editor.upload": "上传",
    "image_editor.zoom_in": "放大",
    "image_editor.zoom_out": "缩小",
    "status.queue_position": "排队中：第 {position} 位，共 {size} 位",
    "common.progress": "进度",
    "common.download_all": "全部下载",
    "dataframe.filter": "筛选",
    "dataframe.clear_filter": "清除筛选",
}

GRADIO_NAMES = {
    "More tabs": "更多标签页",
    "Thumbnail {number} of {count}": "第 {number} 张缩略图，共 {count} 张",
    "Paste from clipboard": "从剪贴板粘贴",
    "Remove Image": "移除图片",
    "Upload file": "上传文件",
    "Upload a file": "上传文件",
    "File upload": "文件上传",
    "Click to upload or drop files": "点击上传，或将文件拖到此处",
    "Uploading": "正在上传",
    "Uploaded files": "已上传的文件",
    "Remove this file": "移除此文件",
    "Gradio footer navigation": "页脚导航",
    "Dataframe": "数据表",
    "Table actions": "表格操作",
    "Copy table data": "复制表格数据",
    "Copied to clipboard": "已复制到剪贴板",
    "Open cell menu": "打开单元格菜单",
    "Fullscreen": "全屏",
    "Exit fullscreen mode": "退出全屏",
    "Reset to default value": "恢复默认值",
    "Hue": "色相",
    "Saturation and brightness": "饱和度与亮度",
    "undo": "撤销",
    "Close picker": "关闭取色器",
    "Close": "关闭",
    "Dismiss": "关闭提示",
    "Download": "下载",
    "Clear": "清除",
    "Zoom": "缩放",
    "Zoom in": "放大",
    "Zoom out": "缩小",
    "Pan": "平移",
    "Box Select": "框选",
    "Lasso Select": "套索选择",
    "Autoscale": "自动缩放",
    "Reset axes": "重置坐标轴",
    "Download plot as a PNG": "将图表下载为 PNG",
    "Produced with Plotly.js (v{version})": "由 Plotly.js (v{version}) 生成",
}

PHOTOGRAPH = (
    "这看起来是一张照片，而这个模型只认识由简单事物构成的图画：它在这里的回答没有意义。"
    "要处理照片，请在示例下方选择另一个模型。"
)
PHOTOGRAPH_ALONE = (
    "这看起来是一张照片，而这个模型只认识由简单事物构成的图画：它在这里的回答没有意义。"
    "要处理照片，请用真实的模型启动页面，例如 "
    "python app.py --model HuggingFaceTB/SmolVLM-256M-Instruct。"
)
STOPPING = "服务器正在停止：请过几分钟再来。"

REFUSED = "无法完成"
NO_PICTURE = "还没有图片：请上传、粘贴或绘制一张，或选一个示例。"
NO_WEBGL = "此浏览器没有 WebGL，无法在这里绘画。请开启硬件加速，或上传图片。"
NO_DRAWING = "画布是空的：请先画一个形状，或选一个示例。"
PICTURE_ELSEWHERE = "这张图片不是在这里上传的：请重新上传。"
CANCELLED = "已取消。下面是最近一次完整的运行。"
CANCELLED_FIRST = "已取消。点击“运行对比”可重新开始。"
INTERNAL = "运行模型时内部出错；您的内容没有丢失。请再试一次；如果仍然如此，就需要重启服务器。"
WAITING = "正在排队……"
QUEUE_IS_FULL = "排队的访问者太多：请一分钟后再试。"
STARTING = "正在编码图片……"
BASELINE_RUNS = "正在生成所有层都有图片时的回答……"
CURVE_RUNS = "正在测量每个 K 处的 KL……"
ANSWERS_RUN = "正在为每个 K 生成回答……"

ORIGINS = {
    "recorded": "预录的运行，录制于 {date}：点击“运行对比”可在此重新运行",
    "live": "您的运行，在本服务器上测得",
    "opened": "保存的运行，生成于 {date}，从您的文件打开",
}
OPEN_RUN = "打开保存的运行（.vtw）"
RUN_NOT_REPEATED = (
    "在这里无法以相同的回答重现这次运行，因此不能用另一张图片对它做检验：请先点击“运行对比”。"
)
RUN_ELSEWHERE = "请重新选择保存的运行：文件没有以上传的方式送达。"
RUNNING = "正在本服务器上运行"

DEFINITIONS = (
    "定义。K：首个没有视觉 token 的解码器层；K = {layers} 表示不撤除任何 token。"
    "KL：下一个 token 分布的散度，softmax 取遍整个词表，单位 nat，"
    "即 P withdrawn 相对于 P full。K*：首个 KL 不超过 η 的 K（若不另行指定，VTW 的代码取 {eta}）；"
    "按另外两条规则，则是从它起所有 K 都满足这一条件的首个 K，"
    "或从 K = 5（VTW 发布的代码从这里开始选取）起的首个 K。"
    "FLOPs：理论值，{convention}。"
    "KV 缓存：提示的键和值，{dtype}。"
    "预填充：把提示处理一遍，直到得出首个 token，此时图片已经编码"
    "（只编码一次，两侧共用，用时 {encode}）。解码：首个之后的各个 token。"
    "时间是 {device} 上的墙钟时间，只测一次，因此百分之几的差别没有意义；"
    "它们由逐层计时相加而得，各层分别在有图片和没有图片时计时。"
)

# Models of published η that are no proper names.
PRESET_MODELS = {"any other model": "其他任何模型"}
ETA_CHOICE = "{model}：{eta:g}"
# Between the parts of a list, and between two sentences.
BETWEEN_PARTS, BETWEEN_SENTENCES = "、", ""
YES, NO = "是", "否"
END_OF_ANSWER = "回答结束"
SPACE = "␣"
# What the workbench says by itself while K and η move; {names} are filled in by criterion.js.
WORKBENCH: dict[str, Any] = {
    "curves": "KL(P withdrawn at K ‖ P full)，单位 nat，两侧都给定基线的回答。左右拖动 K 线，上下拖动 η 线，或使用方向键：其余一切随之更新。",
    "scopes": {
        "first_token": "首个 token",
        "answer_mean": "回答均值",
        "answer_max": "回答最大值",
    },
    "scopeNotes": {
        "first_token": "VTW 的判据：只看回答首个 token 处的 KL",
        "answer_mean": "基线回答所有 token 上的平均 KL",
        "answer_max": "基线回答所有 token 上的最大 KL",
    },
    "noneBelow": "小于 L 均不满足",
    "klHere": "K = {k} 处 KL 为 {kl}",
    "etaSlider": "eta，即 KL 阈值，对数刻度",
    "etaValue": "eta {eta} nat",
    "atL": "{layers} = L（不撤除任何 token）",
    "leads": {
        "nothing": "在这个 η 下没有哪一层可以不看图片：首个 token 与整个回答都是 K* = L = {layers}，什么也不撤除。",
        "agree": "取 η = {eta} 时，首个 token 与整个回答一致：K* = {first}。",
        "firstBlind": "取 η = {eta} 时，首个 token 允许 K = {first}，但就整个回答而言，只有 K = {max} 符合：判据只看一个 token，长回答会掩盖其损失。",
        "firstBlindThrice": "取 η = {eta} 时，首个 token 允许 K = {first}，但回答均值要求 K = {mean}，最差的 token 要求 K = {max}：判据只看一个 token，长回答会掩盖其损失。",
        "worstOnly": "取 η = {eta} 时，首个 token 与回答均值都允许 K = {first}，但最差的 token 要求 K = {max}：在 {count} 个 token 的均值里，丢失一个 token 看不出来。",
        "meanHidesFirst": "取 η = {eta} 时，回答均值允许 K = {mean}，而首个 token（在这里也是最差的）要求 K = {max}：{count} 个 token 的均值掩盖了其中一个的损失。",
        "meanHides": "取 η = {eta} 时，回答均值允许 K = {mean}，首个 token 要求 K = {first}，最差的 token 要求 K = {max}：{count} 个 token 的均值掩盖了其中一个的损失。",
    },
    "loss": "在 K = {low} 处，这个回答在最差的 token（“{piece}”，第 {position} 个，共 {count} 个）处的 KL 为 {kl} nat，而回答{reads}。",
    "readsSame": "读来依旧相同",
    "readsOther": "读来已经不同",
    "agreeShort": "回答总共只有 {count} 个 token，首个之后几乎没有什么会在不知不觉中丢失。在 K = {low} 处，回答{reads}。",
    "agreeLong": "在 K = {low} 处，{count} 个 token 中最差的是“{piece}”，KL 为 {kl} nat，回答{reads}。",
    "rulesDiffer": "两条规则的结果不同（{scope}）：K = {soon} 是首个不超过 η 的，但此后 KL 又超过 η，从 K = {late} 起才一直不超过 η。",
    "releasedDiffers": "各条规则的结果不同（{scope}）：K = {soon} 已不超过 η，但 VTW 发布的代码从 K = {from} 起才选取，因而取 K = {late}。",
    "tokensWaiting": "每个 K 都测完后显示……",
    "tokensAtK": "K = {k}：{count} 个 token 中有 {over} 个超过 η = {eta}（带下划线）。最差的是“{piece}”，第 {position} 个，KL 为 {kl} nat。",
    "tokensBaseline": "K = {k} 就是基线本身：每个 token 处的 KL 都为 0。",
    "tokenOver": "“{piece}”，第 {position} 个 token，共 {count} 个，K = {k}：KL 为 {kl} nat，超过 η",
    "tokenUnder": "“{piece}”，第 {position} 个 token，共 {count} 个，K = {k}：KL 为 {kl} nat，不超过 η",
}
# What stands in workbench.html and its scripts; {names} are filled in where a script writes them.
WORKBENCH_LABEL = "两侧回答、KL 曲线与 K 的选择"
WORKBENCH_HTML: dict[str, str] = {
    "progress": "运行进度",
    "heading": "从第 K 层起撤除图片，回答会偏离多少？",
    "earlier": "早一层",
    "later": "晚一层",
    "etaBefore": "取 K* 的条件：KL ≤ η =",
    "etaAfter": "nat",
    "etaField": "η，即 KL 阈值，单位 nat，从 1e-7 到 10",
    "presets": "公布的 η，见 VTW 发布的代码",
    "presetsOpen": "VTW 代码中的 η……",
    "rules": "在不超过 η 的 K 中取哪一个",
    "ruleFirst": "首次不超过 η",
    "ruleFirstNote": "K* 是首个 KL 不超过 η 的 K，在该模型可以不看图片的所有 K 中选取",
    "ruleStays": "一直不超过 η",
    "ruleStaysNote": "K* 是从它起所有 K 的 KL 都不超过 η 的首个 K",
    "ruleReleased": "从 K = 5 起",
    "ruleReleasedNote": "K* 是从 5 起首个 KL 不超过 η 的 K：VTW 发布的代码从这里开始选取",
    "stars": "各口径的 K*；点击一个即跳到它的 K",
    "seesAll": "所有层都能看到图片",
    "withdrawn": "图片已撤除",
    "positions": "在回答的哪里？基线回答每个 token 处的 KL，图片在 K 处撤除",
    "tokens": "基线回答每个 token 处的 KL；用方向键在 token 之间移动",
    "scaleLow": "KL 不超过 0.0001 nat",
    "scaleHigh": "10 或以上，对数刻度",
    "baseline": "基线",
    "prefill": "预填充，实测",
    "prefillSpeed": "基线速度 × {ratio}",
    "decode": "解码，实测",
    "decodeTokens": "每 token，共 {count} 个",
    "decodeNone": "只有一个 token：没有解码步",
    "flops": "预填充 FLOPs，理论值",
    "kv": "提示的 KV 缓存",
    "emptyAnswer": "模型立即结束了回答：回答为空。",
    "verdictBaseline": "K = {layers}：不撤除任何 token。这就是基线本身。",
    "saved": "节省 {flops} 的预填充 FLOPs 和 {kv} 的提示 KV 缓存",
    "seesNever": "K = 0：解码器从未看到图片",
    "seesAllButOne": "K = {k}：第 0–{before} 层看到图片，第 {k} 层看不到",
    "seesSome": "K = {k}：第 0–{before} 层看到图片，第 {k}–{last} 层看不到",
    "unchanged": "回答不变",
    "different": "回答不同",
    "verdict": "{sees}。{answer}；{saved}。",
    "nothingWithdrawn": "未撤除任何 token（K = L = {layers}）",
    "withdrawnFrom": "图片从第 K = {k} 层起撤除",
    "lineSame": "K = {k}，共 {layers} 层，回答相同，首个 token 的 KL 为 {kl} nat",
    "lineOther": "K = {k}，共 {layers} 层，回答不同，首个 token 的 KL 为 {kl} nat",
    "slider": "K = {k}，共 {layers} 层",
    "factModel": "模型 ",
    "factLayers": " 层",
    "factVisualOfSeveral": " 个视觉 token，来自 {count} 张图片",
    "factVisual": " 个视觉 token（{rows} × {columns} 个图块）",
    "factText": " 个文本 token",
    "factPrompt": "提示：",
    "waitingBaseline": "正在等待第一个词……",
    "waitingWithdrawn": "得知 K* 后显示……",
    "seesAllOf": "全部 {layers} 层都能看到图片",
    "plotWaits": "每个 K 都测完后显示曲线。",
    "plotEmpty": "点击“运行对比”可看到 KL 曲线。",
    "axis": "KL，单位 nat，对数轴",
    "betweenScopes": "，",
    "columnKl": "K = {k}：KL {kls} nat",
    "rowLayers": "看到图片",
    "rowLayersNarrow": "层",
    "rowAnswer": "回答",
    "rowAnswerNarrow": "相同？",
    "cellSame": "K = {k}：与基线回答相同",
    "cellOther": "K = {k}：回答不同",
    "cells": "实心：与基线的回答逐 token 相同 · 斜线：回答不同",
    "cellsNarrow": "实心：基线的回答 · 斜线：不同",
    "line": "K，首个没有图片的层",
    "betweenSentences": "",
}

TAB_EVERY_K = "每个 K"
EVERY_K_INTRO = (
    "同一次运行在每个 K 处的结果，既有图，也有屏幕阅读器可以读的表。"
    "K = 0：解码器从未看到图片。最后一行是基线。"
)
EVERY_K_CHARTS = "每个 K：图"
EVERY_K_TABLE = "每个 K：表"
EVERY_K_COLUMNS = (
    "K", "KL，首个 token（nat）", "KL，回答均值（nat）", "KL，回答最大值（nat）", "回答",
    "与基线相同", "最可能的首个 token", "预填充 FLOPs", "占基线的比例", "KV 缓存（字节）",
    "预填充（ms）", "每 token 解码（ms）",
)  # fmt: skip
EVERY_K_SHOWN = (*EVERY_K_COLUMNS[:9], "KV 缓存", *EVERY_K_COLUMNS[10:])
SAVE_RUN = "保存这次运行（.vtw）"
SAVE_TABLE = "保存表格（.csv）"

CALIBRATE_INTRO = (
    "单独一张图片说明不了 K 该取多少。校准在**一组**图片和问题上测量每个 K，"
    "对它们的 KL 曲线取平均，再像 VTW 那样从这条平均曲线上选出 K\\*。"
    "改变 η 或与它比较的量，只是重新读取结果，不会再运行任何东西。"
)
CRITERION = "判据"
PRESET = "公布的 η"
PRESET_NONE = "您自己的值"
PRESET_LABEL = "{model}：η = {eta:g}{k}"
PRESET_K = "，K = {k}"
PRESET_SOURCE = "来源：{source}。"
PRESET_OWN = "公布的值只属于相应的模型；对别的模型，它们只是一个起点。"
ETA = "η，单位 nat：仍算作没有差别的最大 KL"
SCOPE = "取何处的 KL"
SCOPES = {"first_token": "首个 token", "answer_mean": "回答均值", "answer_max": "回答最大值"}
RULE = "K* 是"
RULES = {
    "first": "首个不超过 η 的 K",
    "stays_below": "首个从此一直不超过 η 的 K",
    "released": "从 5 起首个不超过 η 的 K，如 VTW 发布的代码",
}
DIRECTION = "KL 的方向"
CALIBRATE_OWN = "在这里运行"
CALIBRATE_FILES = "您的图片，最多 {limit} 张"
CALIBRATE_QUESTION = "所有图片共用的一个问题"
CALIBRATE_RUN_OWN = "用我的图片校准"
CALIBRATE_RUN_BUNDLED = "用自带数据集重新校准"
CALIBRATE_NO_PICTURES = "还没有图片：请先上传几张。"
CALIBRATE_REFUSED = "{name}：{problem}"
CALIBRATE_TOO_MANY = "这里有 {count} 张图片；在这里最多可用 {limit} 张来校准。命令行不限数量。"
CALIBRATE_PROGRESS = "{total} 个样本中已有 {done} 个测完每个 K……"
CALIBRATE_DONE = "完成：{total} 个样本。"
CALIBRATE_CANCELLED = "已取消。显示的是之前的结果。"
CALIBRATE_RECORDED = "预录：本页面自带的模型（{model}），{samples} 个关于所绘形状的自带问题。"
CALIBRATE_BUNDLED = "在本服务器上测得：{model}，{samples} 个自带问题。"
CALIBRATE_YOURS = (
    "在本服务器上测得：{model}，您的图片（{samples} 张）。没有正确答案，就没有准确率。"
)
CALIBRATE_PICKS = "取 **η = {eta:g} nat**（{scope}，{direction}；{rule}）时，{samples} 个样本的平均曲线选出 **K\\* = {k}（共 {layers} 层）**："
CALIBRATE_NOTHING = "在这个阈值下，没有哪一层可以不看图片，因此没有任何节省。"
CALIBRATE_SAVES = "**解码器的预填充 FLOPs 节省 {saved}**，{agreement} 的回答与基线逐 token 相同。"
CALIBRATE_ACCURACY = "准确率 **{at_k}，基线为 {baseline}**（其中 {answered} 个的答案已知）。"
CALIBRATE_ACCURACY_BASELINE = "准确率 {baseline}（其中 {answered} 个的答案已知）。"
CALIBRATE_BAND = "按区间带的下端会选出 K\\* = {low}，按上端会选出 {high}。"
CALIBRATE_SPREAD = "各样本自己的 K\\*：{least} 到 {most}，中位数 {median:g}。"
CALIBRATE_KL = "每个 K 处的平均 KL"
CALIBRATE_OUTCOME = "回答与代价如何变化"
CALIBRATE_HISTOGRAM = "每个样本单独的 K*"
CALIBRATE_KL_CAPTION = (
    "{direction}，单位 nat，取遍整个词表（{scope}），图片从第 K 层起撤除。线：{samples} 个样本的均值。"
    "区间带：{band}；超出坐标轴处截断。K = {layers} 的 KL 按定义为 0，在对数轴上没有位置。"
)
CALIBRATE_NO_BAND = "无，因为单个样本无从说明离散程度"
CALIBRATE_KL_SUMMARY = (
    "取 η = {eta:g} nat 时，平均曲线选出 K* = {k}（共 {layers} 层）；该处的平均 KL 为 {kl} nat。"
)
CALIBRATE_OUTCOME_CAPTION = (
    "占 {samples} 个样本的百分比，图片从第 K 层起撤除。回答相同：与基线逐 token 相同。"
    "{right}FLOPs：预填充的 FLOPs 与 K = {layers} 之比，取样本均值；{convention}。"
)
CALIBRATE_RIGHT_NOTE = (
    "答对：去掉首尾空白、忽略大小写后，与某个可接受的答案相等，其中 {answered} 个的答案已知。"
)
CALIBRATE_OUTCOME_SUMMARY = (
    "在 K* = {k} 处，{agreement} 的回答与基线相同，预填充 FLOPs 为基线的 {flops}。{right}"
)
CALIBRATE_RIGHT_SUMMARY = "答对的占 {at_k}，在 K = {layers} 处为 {baseline}。"
CALIBRATE_HISTOGRAM_CAPTION = (
    "K* 按同一个 η = {eta:g} nat 从每个样本自己的 {direction} 曲线（{scope}）上读出：{rule}。"
    "绿线是平均曲线的 K*。"
)
CALIBRATE_HISTOGRAM_SUMMARY = (
    "各样本自己的 K* 从 {least} 到 {most}，中位数 {median:g}；平均曲线选出 {k}。"
)
CALIBRATE_TABLE = "同样的数值，列成表格"
CALIBRATE_COLUMNS = (
    "K", "平均 KL（nat）", "95% 区间带（nat）", "回答相同", "答对", "FLOPs", "以此为 K* 的样本数",
)  # fmt: skip
SAVE_CALIBRATION = "保存全部（.json）"
SAVE_CALIBRATION_TABLE = "保存表格（.csv）"
AXIS_K = "K：首个没有视觉 token 的层"
AXIS_MEAN_KL = "平均 KL，{scope}（nat）"
AXIS_PERCENT = "占 {samples} 个样本的百分比"
AXIS_COUNT = "K* = K 的样本数，共 {samples} 个样本"
UNIT_SAMPLES = "个样本"
CURVE_MEAN = "平均 KL"
CURVE_BAND = "均值的 95% 区间带"
CURVE_SAME = "与基线回答相同"
CURVE_RIGHT = "回答正确"
CURVE_FLOPS = "预填充 FLOPs，相对于 K = {layers}，理论值"
MARK_ETA = "η = {eta:g}"
MARK_K_STAR = "K* = {k}"

DOCUMENTS_INTRO = """
## 每个数字的确切定义
上面的简表供阅读本页之用。下面两份文档（英文）定义了所记录、计算和绘制的一切：公式、层、头、查询行、单位与来源。
"""
DOCUMENTS = {
    "quantities": "各个量：每个数字的含义（英文）",
    "strategies": "各种方法：丢弃什么、何时丢弃（英文）",
}
NUMBERS = """
## 图片经历了什么
视觉编码器把图片变成一个由**视觉 token** 组成的网格，每个图块对应一个。在提示中，它们位于系统提示与您的问题之间，通常会经过解码器的每一层。在 **K** 处撤除，就是让第 0 … K−1 层看到它们，并从第 K … L−1 层的隐藏状态中移除它们，这些层的 KV 缓存中因而也没有它们。K = L 不移除任何东西，与基线逐位相同。

## 为什么回答可以不变
1. **注意力汇（attention sink）**：预训练模型的深层把大部分注意力放在最前面的几个 token 上，几乎不看视觉 token。
2. **信息迁移**：到了那时，回答所需的信息已经从视觉 token 移到后面的文本 token 中。

色带展示的就是效果本身：实心格表示在该 K 处，回答与基线逐 token 相同。*您的*问题能否承受撤除，可以在这里试。

## 各项数值
| 数值 | 定义 | 来源 |
|---|---|---|
| KL，首个 token | 回答首个 token 处的 KL(P withdrawn ‖ P full)，单位 nat；softmax 取遍整个词表 | VTW 发布的代码 |
| KL，回答均值与最大值 | 在基线回答的每个 token 处同样计算，两侧都给定该回答（teacher forcing），再取均值或最大值 | 本项目：VTW 的判据只看一个 token |
| K* | 首个 KL 不超过 η 的 K，在模型可以不看图片的所有 K 中选取；VTW 发布的代码从 K = 5 起选取（规则“从 K = 5 起”），若不另行指定则取 η = 0.003 | VTW 发布的代码 |
| FLOPs | 解码器的预填充，每层 2n(4d + 3m)d + 4n²d，其中 n 为 token 数，d 为宽度，m 为 FFN 宽度，一次乘加计为两次运算；各项大小取自模型配置 | 与 VTW 公布的总量相符，相差不超过舍入 |
| KV 缓存 | 提示的键和值，所有层，按所用精度 | 模型配置 |
| 预填充、解码 | 本服务器上的墙钟时间，由逐层计时相加而得，各层分别在有图片和没有图片时计时 | 本次运行 |

撤除**不能**节省的：视觉编码器的工作，以及每个新 token 经过所有层的解码。模型小、提示短时，实测时间几乎没有差别；理论上的节省需要大量视觉 token 和大模型。

## MustDrop 的另一种解法
VTW 让所有视觉 token 在同一层离开。MustDrop（arXiv 2411.10803）则逐个评判每个 token，在其生命周期的三个阶段中进行，与发布的代码一致：

1. **视觉编码**：在编码器的第一层之后，由 3 × 3 个相似图块组成的窗口合并为一个 token。关键集合是编码器最后一层中 [CLS] 给予注意力最多的 8% 的 token，此后不得丢弃。
2. **预填充**：在四个解码器层（32 层中的第 2、6、10 和 14 层）之后，如果文本整体*以及*每一个文本行给予某个 token 的注意力都太少，而它又不是关键 token，它就被丢弃。
3. **解码**：这些层的缓存只保留到最后仍然留存的 token。

两者在视觉 token 数（解码器各层平均）相等时比较。MustDrop 信任注意力，VTW 则信任深度。挑选本身也要花时间：据报告，在 LLaVA-NeXT-7B（POPE）上取 320 个 token 时，MustDrop 所需的 FLOPs 比 FastV 少，用时却更长。
"""

# ------------------------------------------------------------------ every K, as charts
KL_TITLE = "从第 K 层起撤除图片时，回答偏离多少"
KL_AXIS = "KL(P withdrawn ‖ P full)，nat"
KL_CAPTION = (
    "KL(P withdrawn ‖ P full)，单位 nat，取遍整个词表，图片从第 K 层起撤除：回答首个 token 处的值，"
    "以及基线回答 {tokens} 个位置上的均值与最大值，每个 K 都给定该回答。"
    "K = L 是基线，KL 为 0，对数轴无法显示。"
)
KL_SUMMARY = (
    "取 η = {eta:g} nat 时，由回答首个 token 得 K* = {star}，由回答均值得 {mean}，由最大值得 {max}，"
    "共 {layers} 层；各为从 {first} 起首个不超过 η 的 K。"
)
COST_TITLE = "每个 K 的代价"
COST_AXIS = "占基线的 %"
COST_FLOPS = "预填充 FLOPs，理论值"
COST_KV = "提示的 KV 缓存"
COST_TIME = "预填充时间，逐层实测"
COST_CAPTION = (
    "各项占 K = L 时代价的比例。FLOPs：{convention}；提示的 KV 缓存的字节数；"
    "预填充的秒数，由逐层计时拼合而得，每层分别在有图片和没有图片时计时。"
)
COST_SUMMARY = "在 K = {k} 处，预填充需要 {flops:.0%} 的 FLOPs，提示需要 {kv:.0%} 的 KV 缓存。"
EVERY_K_TITLE = "每个 K 处的回答"
EVERY_K_CAPTION = "每个 K 处的回答各自解码。FLOPs：{convention}。"
EVERY_K_SUMMARY = "{all} 个 K 中有 {same} 个的回答与基线逐 token 相同。"

REPORT = "报告（.html）"
REPORT_TITLE = "视觉 token 撤除：一次运行"
REPORT_EVERY_K = "每个 K"
REPORT_ASKED = "问题"
REPORT_BASELINE = "所有层都有图片时的回答"
REPORT_WITHDRAWN = "图片从第 K* = {k} 层（共 {layers} 层）起撤除时的回答"
REPORT_FACTS = (
    "{model}（{type}），{layers} 层；{visual} 个视觉 token 和 {words} 个文本 token；{dtype}，{device}；录制于 {created}；"
    "{versions}。"
)
