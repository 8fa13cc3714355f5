"""Data sets: reading them, and making one record for each of their items."""
