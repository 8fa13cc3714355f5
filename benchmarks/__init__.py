"""The performance claims of docs/performance.md, ratios of runs that alternate in one process."""
