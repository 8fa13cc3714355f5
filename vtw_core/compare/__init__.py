"""Several methods side by side: on one prompt, and over a data set."""
