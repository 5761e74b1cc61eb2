"""The demo: a small production, to look at and to try things on."""
