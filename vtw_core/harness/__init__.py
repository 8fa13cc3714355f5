"""Strategies inside evaluation harnesses: `python -m vtw_core.harness` is lm-evaluation-harness
with one more model, ``--model vtw --model_args pretrained=...,strategy="vtw --k 16"``."""
