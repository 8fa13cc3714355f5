"""Reading and writing files: documents, archives, atomic replacement."""
