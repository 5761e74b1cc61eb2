"""Output files: what is exported for others to use."""
