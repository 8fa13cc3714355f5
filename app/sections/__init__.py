"""Parts that several tabs build the same way."""
