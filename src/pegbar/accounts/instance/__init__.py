"""The instance itself: what it is, how it is, what monitoring reads."""
