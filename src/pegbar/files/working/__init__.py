"""Working files: the scenes that artists save."""
