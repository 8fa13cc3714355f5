"""``make load``: many visitors at once on the real page, and what they and the server got."""
