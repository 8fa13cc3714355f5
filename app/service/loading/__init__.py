"""Loading a model for a page: as a stream of how far it is, which can be closed at any moment."""
