"""Attention statistics, reduced while a model runs."""
