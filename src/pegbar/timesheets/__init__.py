"""Hours spent on tasks: written day by day, and read as sheets, tables and quotas."""
