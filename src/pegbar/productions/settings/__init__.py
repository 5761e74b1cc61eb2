"""What productions, and the templates of them, use of the studio."""
