"""The page. It imports neither torch nor transformers: ``service`` alone talks to the library."""
