"""Methods at equal budget: which one loses least for the same number of visual tokens."""
