"""The larger embedded model: a picture world of stickers, read by SmolLM2-135M-Instruct."""
