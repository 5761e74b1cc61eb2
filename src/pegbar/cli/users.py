"""`pegbar user`."""
