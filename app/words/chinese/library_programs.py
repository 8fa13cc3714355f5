"""What the library says to those who run it by commands or from programs, in Chinese."""

SENTENCES = {
    "--out takes one file; leave it out to replace each by its new form.": "--out 只接受一个文件；省去它，则每个文件由其新形式取代。",
    "Several processes can answer one question only together: add --tensor-parallel, or leave torchrun out.": "多个进程只能共同回答同一个问题：请加上 --tensor-parallel，或不使用 torchrun。",
    "{path} is a folder; give {option} a file name.": "{path} 是一个文件夹；请为 {option} 给出文件名。",
    "The folder of {path} does not exist; create it first.": "{path} 所在的文件夹不存在；请先创建它。",
    # A model that is in memory.
    "A {kind} is no transformers model; give the model inside it (of one with a LoRA adapter of peft: model.merge_and_unload()).": "{kind} 不是 transformers 模型；请给出其中的模型（带有 peft 的 LoRA 适配器时：model.merge_and_unload()）。",
    "A {kind} has no head that answers; read the model by AutoModelForImageTextToText.": "{kind} 没有用于回答的输出头；请用 AutoModelForImageTextToText 读取模型。",
    "The model is in training mode, in which dropout changes its answers; call model.eval() first.": "模型处于训练模式，dropout 会改变其回答；请先调用 model.eval()。",
    "The model has no weights: it is on torch's meta device; load them first.": "模型没有权重：它在 torch 的 meta 设备上；请先载入权重。",
    "The model is packed in 8 bits with outlier columns apart, where a token's result depends on the tokens beside it; read it with BitsAndBytesConfig(load_in_8bit=True, llm_int8_threshold=0.0).": "模型以 8 位打包，且离群列另行处理，因而一个 token 的结果取决于与它一起的其他 token；请用 BitsAndBytesConfig(load_in_8bit=True, llm_int8_threshold=0.0) 读取。",
    "{name} is no name for a model; give it a word or a path.": "{name} 不能作为模型的名称；请给出一个词或路径。",
    # Several processes.
    "Tensor parallelism needs several processes: start it with torchrun --nproc_per_node N -m vtw_core ... --tensor-parallel.": "张量并行需要多个进程：请用 torchrun --nproc_per_node N -m vtw_core ... --tensor-parallel 启动。",
    "What happens inside is recorded of models in one piece, since each process has only some heads of a tensor-parallel one; leave --tensor-parallel out (a device map spreads a model over GPUs layer by layer).": "内部过程只能在完整的模型上记录，因为张量并行时每个进程只有一部分头；请省去 --tensor-parallel（设备映射会把模型逐层分布到多个 GPU）。",
    "The record of {name} is not in {where}: give --out a folder that all machines share, or bring the shards of all of them into one folder and run again.": "{where} 中没有 {name} 的记录：请为 --out 给出所有机器共享的文件夹，或把各机器的分片放入同一个文件夹后重新运行。",
    # Benchmarks.
    "{strategy} fits its thresholds to each image, which the harness's own loop cannot do; give --gamma and --alpha, or use `python -m vtw_core evaluate`.": "{strategy} 要为每张图片拟合阈值，而评测框架自己的循环做不到；请给出 --gamma 和 --alpha，或使用 `python -m vtw_core evaluate`。",
    "The prompts come without the model's chat template, so its answers would be far worse than they are; add --apply_chat_template, or plain_prompts=True to --model_args if that is meant.": "这些提示没有套用模型的对话模板，回答会比实际差得多；请加上 --apply_chat_template，若确有此意，请在 --model_args 中加上 plain_prompts=True。",
    "There is no question to evaluate on; give at least one image.": "没有可用于评测的问题；请至少给出一张图片。",
    "The parts differ in model, versions or limits; evaluate them alike.": "各部分的模型、版本或上限不同；请以相同的设置评测。",
    # Data sets.
    "its image file cannot be read; check the path.": "无法读取其图片文件；请检查路径。",
    "Name a data set after hf:, such as hf:org/name:validation.": "请在 hf: 之后写明数据集，例如 hf:org/name:validation。",
    "The data set {source} cannot be read: {problem}": "无法读取数据集 {source}：{problem}",
    "Columns and streaming belong to parquet files and to hf: data sets; leave them out with a folder or a JSONL file.": "列名与流式读取只用于 parquet 文件和 hf: 数据集；对文件夹或 JSONL 文件请省去。",
    "No column is called image; name it with --image-column, one of {names}.": "没有名为 image 的列；请用 --image-column 指定，可选：{names}。",
    "No column is called prompt; name it with --prompt-column, one of {names}, or give --prompt for all images.": "没有名为 prompt 的列；请用 --prompt-column 指定，可选：{names}，或用 --prompt 为所有图片给出一个问题。",
    "There is no column {asked} for the {what}; the columns are {names}.": "{what} 所用的列 {asked} 不存在；现有的列：{names}。",
    "{where} has no image; its column must hold an image file's contents.": "{where} 没有图片；该列应含有图片文件的内容。",
    "{where} has no image; its list of images is empty.": "{where} 没有图片；其图片列表是空的。",
    "{where}: its image file {called} cannot be read.": "{where}：无法读取其图片文件 {called}。",
    '{source} needs the package datasets: pip install "visual-token-withdrawal[scale]".': '{source} 需要 datasets 包：pip install "visual-token-withdrawal[scale]"。',
    "{source} has the splits {names}; name one after a colon, as in {name}:{split}.": "{source} 有以下划分：{names}；请在冒号后写明其中之一，例如 {name}:{split}。",
}
