"""Everything about one image and prompt at every K, from one run of the full model."""
