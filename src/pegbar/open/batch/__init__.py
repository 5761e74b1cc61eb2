"""Many operations of the API in one transaction. Documentation: docs/open/batch.md."""
