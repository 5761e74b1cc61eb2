"""The studio's people: hiring, editing, leaving, and who sees how much of whom."""
