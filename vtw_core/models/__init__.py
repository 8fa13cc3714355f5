"""Where things are in a model family: loading, adapters, the support check."""
