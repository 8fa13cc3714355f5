"""Who asks, how often, and what is said when it cannot be done."""
