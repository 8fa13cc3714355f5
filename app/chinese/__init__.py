"""Every sentence of the page in Simplified Chinese: one module for each ``app/text*.py``, with the same names."""
