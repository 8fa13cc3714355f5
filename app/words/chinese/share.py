"""关于链接、引用和代码的全部语句。"""

from ..english import share as english

SHARE = {
    "copy": "复制链接",
    "copyTitle": "复制能还原当前视图的地址：示例、问题、K、η、标签页及其中的各项选择",
    "copied": "链接已复制。",
    "copyFailed": "浏览器不允许在此复制：链接就在地址栏里。",
    "ownPicture": "您自己的图片无法放进链接。请改为保存这次运行：在本页面打开该文件即可查看，无需模型。",
    "ownFile": "从文件打开的运行无法放进链接。请改为分享该文件：在本页面打开即可查看，无需模型。",
    "saveRun": "保存这次运行（.vtw）",
    "cite": "引用 / 代码",
    "citeTitle": "引用信息，以及当前视图的 Python 代码",
    "code": "当前视图的 Python 代码",
    "codeNote": "请在项目文件夹中运行，或改用您自己的路径。",
    "citation": "引用（BibTeX）",
    "copyCode": "复制代码",
    "copyCitation": "复制引用",
    "textCopied": "已复制。",
    "close": "关闭",
}
KEPT = {
    "forgotten": "服务器重新启动过，或者您离开了很久，它已不记得这个页面，页面已重新载入。之前计算的结果已丢失。",
    "both": "您的图片和问题已恢复：点击“运行对比”即可再次提问。",
    "first": "您的第一张图片和问题已恢复：请重新选择模型、添加其他图片，再点击“运行对比”。",
    "question": "您的问题已恢复；请重新选择图片或重新打开文件。",
    "view": "地址所指的示例、问题和视图已恢复。",
    "close": "关闭",
}
SHARE_LABEL = "链接、引用和代码"
OWN_QUESTION = "这个链接带有自己的问题，已填在左侧的输入框里：点击“运行对比”即可提问。在此之前，这里显示的是该示例的预录运行。"
OWN_PICTURE_FILE = "your_picture.png"
FURTHER_PICTURE_FILE = "your_picture_{number}.png"

BIBTEX = english.BIBTEX
