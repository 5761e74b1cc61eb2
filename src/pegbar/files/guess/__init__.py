"""What a path of the studio is about."""
