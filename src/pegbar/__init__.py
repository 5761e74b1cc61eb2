"""Pegbar: a production-tracking server that speaks the Kitsu API."""

__version__ = "0.1.0"
