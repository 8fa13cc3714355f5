"""What the library says, in Chinese: its errors and what it says of its numbers.

Not a page text: see `app.words.library_words`. A test finds every template of `vtw_core` and
fails when one is missing here.
"""

from . import (
    library_files,
    library_inputs,
    library_loading,
    library_models,
    library_programs,
)

# Why the operating system refuses.
_SYSTEM = {
    "No such file or directory": "没有这样的文件或文件夹",
    "Permission denied": "没有权限",
    "Is a directory": "这是一个文件夹",
    "Not a directory": "这不是文件夹",
    "No space left on device": "磁盘空间不足",
    "Read-only file system": "文件系统是只读的",
    "File name too long": "文件名太长",
}

# Said of a number, or of where it comes from.
_FACTS = {
    "decoder prefill, multiply-add = 2 FLOPs, per layer 2n(4d+3m)d + 4n^2d (K/V projections scaled by kv_heads/heads)": "解码器预填充，一次乘加计为 2 FLOPs，每层 2n(4d+3m)d + 4n^2d（K/V 投影按 kv_heads/heads 缩放）",
    "decoder prefill, multiply-add = 1 FLOP, per layer 4nd^2 + 2n^2d + 2ndm (FastV)": "解码器预填充，一次乘加计为 1 FLOP，每层 4nd^2 + 2n^2d + 2ndm（FastV 的算法）",
    "{level} percentile bootstrap of the mean: {count} resamples of the samples with replacement, fixed seed": "均值的 {level} 百分位自助法区间：对样本有放回地重抽样 {count} 次，种子固定",
    "VTW's released code (github.com/lzhxmu/VTW): η and K = 16 (its README's example: K = 15)": "VTW 发布的代码（github.com/lzhxmu/VTW）：η 与 K = 16（其 README 的示例：K = 15）",
    "VTW's released code (github.com/lzhxmu/VTW): η and K = 20": "VTW 发布的代码（github.com/lzhxmu/VTW）：η 与 K = 20",
    "η: VTW's released code (github.com/lzhxmu/VTW); K = 16: VTW's table of FLOPs": "η：VTW 发布的代码（github.com/lzhxmu/VTW）；K = 16：VTW 的 FLOPs 表",
    "VTW's released code (github.com/lzhxmu/VTW): the value it falls back to": "VTW 发布的代码（github.com/lzhxmu/VTW）：未指定时的默认值",
}

SENTENCES = (
    library_inputs.SENTENCES
    | library_files.SENTENCES
    | library_loading.SENTENCES
    | library_models.SENTENCES
    | library_programs.SENTENCES
    | _SYSTEM
    | _FACTS
)
