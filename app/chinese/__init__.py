"""The page's words in Chinese; each module has an English twin."""
