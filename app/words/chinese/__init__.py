"""Every sentence of the page in Simplified Chinese: one module for each of ``app/english``, with the same names."""
