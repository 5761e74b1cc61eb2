"""Deleting a production with everything in it, whatever its size (docs/architecture.md, "Deleting a production")."""
