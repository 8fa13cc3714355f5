"""The page. It imports neither torch nor transformers: ``service`` alone runs the model."""
