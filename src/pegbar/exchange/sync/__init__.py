"""Copying a studio between two servers of this API: pull, push, verify, follow (docs/sync.md)."""
