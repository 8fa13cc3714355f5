"""The view in the address bar, and the way there."""
