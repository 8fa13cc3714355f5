"""The facts of each model family: where its layers, tokens and patches are."""
