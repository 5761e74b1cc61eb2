"""Review rooms: people look at a playlist together. Source: spec review, "Review rooms"."""
