"""The trash: what was deleted, whole, for as long as PEGBAR_TRASH_DAYS says (docs/open/trash.md)."""
