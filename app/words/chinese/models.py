"""关于选择模型的全部语句。"""

PICKER_LABEL = "选择模型"

# ------------------------------------------------------------------ what is known of a model
FACTS = {
    "parameters": "参数量",
    "download": "下载",
    "on_disk": "权重文件",
    "memory": "内存",
    "visual": "视觉 token",
    "layers": "层数",
    "licence": "许可证",
}
MEMORY_OF = "{needed}，此处空闲 {free}"
MEMORY_ALONE = "约 {needed}"
MEMORY_NOTE = "估计值：{dtype} 权重加工作空间。"
NO_DOWNLOAD = "无需下载，已在此处"
UNKNOWN = "未知"
EMBEDDED_NOTE = "随本页面提供，只认识由简单形状构成的图画，不认识照片。"
FOLDER_NOTE = "位于本服务器文件夹中的检查点。"
TYPED_NOTE = (
    "不在已知模型之列：开始加载时才知道大小。"
    "只加载受支持系列的 safetensors 权重，绝不运行模型自带的代码。"
)
GATED = "需授权：所有者要求每个账号先接受条款，因此本服务器需要已获授权的令牌。"
MISSING = '需要 {packages}，此处尚未安装：pip install "visual-token-withdrawal[real]"。'
TOO_LARGE = "需要 {needed}，而此处空闲 {free}：目前无法加载。"
CARD = "模型卡"
CARD_TITLE = "在新标签页中打开 {address}"
# What the catalogue says of its models; what is not here stays as it is.
CATALOGUE = {
    "Embedded model": "内置模型",
    "SmolLM2 with vision 135M": "SmolLM2 视觉版 135M",
    "SmolLM2-135M-Instruct, trained for this project to see; it knows drawings of everyday things and coloured shapes.": "在 SmolLM2-135M-Instruct 上为本项目训练了视觉；它认识日常事物的图画和彩色图形。",
    "64 per tile of 512 x 512 pixels": "每个 512 × 512 像素的切片 64 个",
    "81 per tile of 384 x 384 pixels": "每个 384 × 384 像素的切片 81 个",
    "729 of the whole picture, and of its tiles": "整图 729 个，另加各切片",
    "256 per tile of 448 x 448 pixels": "每个 448 × 448 像素的切片 256 个",
    "169 per tile of 364 x 364 pixels": "每个 364 × 364 像素的切片 169 个",
    "one per 32 x 32 pixels": "每 32 × 32 像素 1 个",
    "one per 28 x 28 pixels": "每 28 × 28 像素 1 个",
    "576 of the whole picture, and up to 2304 of its tiles": "整图 576 个，各切片至多 2304 个",
    "The card names the licence of its Qwen2.5 decoder.": "模型卡注明其 Qwen2.5 解码器的许可证。",
    "Google's Gemma terms of use; it has no chat template.": "适用 Google 的 Gemma 使用条款；没有对话模板。",
    "Google's Gemma terms of use.": "适用 Google 的 Gemma 使用条款。",
    "For research and evaluation, not for commercial use.": "仅供研究和评测，不得商用。",
    "Meta's Llama 2 community licence.": "适用 Meta 的 Llama 2 社区许可证。",
    "Its decoder is Llama 3.1, under Meta's own licence.": "其解码器是 Llama 3.1，适用 Meta 自己的许可证。",
    "Not for commercial use.": "不得商用。",
    "It thinks aloud before it answers: allow long answers.": "它在回答前会先说出思考过程：请允许较长的回答。",
    "Licence as it is generally given; the card was not read.": "许可证为通常所述；未查阅模型卡。",
    "As InternVL3 1B's; its own card was not read.": "同 InternVL3 1B；未查阅它自己的模型卡。",
    "Read on the card of the original, liuhaotian/llava-v1.6-mistral-7b.": "据原始模型 liuhaotian/llava-v1.6-mistral-7b 的模型卡。",
    "Nor its size, which is counted with transformers' default projector.": "大小也未查阅，按 transformers 默认的投影层计算。",
    "Nor whether it is gated.": "是否需授权也未查阅。",
}
BETWEEN_SENTENCES = ""
BETWEEN_NAMES = "、"
COUNT_UNITS = ("", " k", " M", " B")
BYTE_UNITS = ("B", "kB", "MB", "GB", "TB")
DTYPES = {
    "float32": "float32",
    "bfloat16": "bfloat16",
    "float16": "float16",
    "8bit": "8 bit",
    "4bit": "4 bit",
}

# ------------------------------------------------------------------ how far it is
IN_USE = "{title} 已就绪。"
IN_USE_NEW = "{title} 已就绪。点击“运行两侧”即可向它提问。"
IN_MEMORY = "已在内存中，可立即使用。"
NOT_LOADED_YET = "尚未载入内存。"
HAS_LEFT = "{title} 已为另一个模型让出内存；您下次运行时会重新加载它。"
FIRST_LOADING = "正在加载 {title}；其间可以先看预录的示例。"
LOADED_BY_OTHERS = "已有人正在加载它。"
STILL_IN_USE = "仍在使用 {title}。"
RECORDED_WORK = "没有它也能查看预录的示例。"
CANCELLED = "已取消。"
BUSY = "正在加载模型的访问者太多：请一分钟后再试。"
STAGES = {
    "check": "正在检查 {title}",
    "download": "正在下载 {title}",
    "processor": "正在为 {title} 准备图片和文字的处理器",
    "weights": "正在读取 {title} 的权重",
    "place": "{title} 正在等待，直到内存中有模型不再被使用",
}
STAGE_ALONE = "{stage}……"
BYTES_DONE = "{stage}：{done}／{total}，{share:.0%}"
OPTION_STATES = {
    "ready": "在内存中",
    "loading": "加载中",
    "absent": "",
    "failed": "无法加载",
}
PICKER = {
    "section": "模型",
    "choose": "要提问的模型",
    "option": "{title} · {state}",
    "used": "{title} · 使用中",
    "load": "加载并使用",
    "use": "使用此模型",
    "again": "重试",
    "reload": "立即加载",
    "join": "等它加载完",
    "cancel": "取消",
    "progress": "模型的加载进度",
    "other": "另一个模型，按 hub id……",
    "otherLabel": "hub id，即 org/name",
    "otherHint": "llava-hf/llava-1.5-7b-hf",
    "otherNote": "请输入 Hugging Face hub 上检查点的 id。下载大文件之前会先检查它所属的系列。",
    "usedNow": "使用中：{title}",
}

# ------------------------------------------------------------------ what is refused
NOT_OFFERED = "这里不提供模型 {model}；请从以下模型中选择：{names}。"
NOT_A_HUB_ID = "{model} 不是 hub id；请写成 org/name，例如 HuggingFaceTB/SmolVLM-256M-Instruct。"
NOT_IN_MEMORY = "模型 {model} 此时不在内存中；请选择一个在内存中的模型。"
NOT_LOADED = "无法加载模型 {model}；原因见服务器日志。"
RUN_OF_ANOTHER = (
    "这次运行由 {model} 完成，而这里不提供该模型，因此无法重复这次运行："
    "请点击“运行两侧”，向您选择的模型提问。"
)
