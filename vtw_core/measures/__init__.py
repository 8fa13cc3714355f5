"""Pure maths on plain arrays: divergences, intervals, costs. No torch, and nothing of a run."""
