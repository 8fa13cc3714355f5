"""One tab of the page per file: ``build`` returns its components, its handlers stand below it."""
