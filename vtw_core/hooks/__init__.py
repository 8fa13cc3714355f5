"""Looking into a running model, and changing it, in one context only."""
