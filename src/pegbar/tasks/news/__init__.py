"""What happened on tasks, as a feed."""
