"""The performance claims of the README, each a ratio of runs that alternate in one process."""
