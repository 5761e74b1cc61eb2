"""Hours spent on tasks."""
