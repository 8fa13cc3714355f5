"""What the page shows, as plain data: pure functions of results."""
