"""Withdrawal itself: run a model under a strategy."""
