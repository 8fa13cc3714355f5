"""A model by name, folder or hub id: fetched, checked, read into memory."""
