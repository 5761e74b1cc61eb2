"""Taking back what a transaction, a request, a batch or an import changed."""
