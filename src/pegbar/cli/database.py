"""`pegbar db`."""
