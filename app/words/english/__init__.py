"""Every sentence of the page, in English; module by module and name by name as in ``app.words.chinese``."""
