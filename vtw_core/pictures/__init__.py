"""Pictures from anywhere, as plain RGB pixels."""
