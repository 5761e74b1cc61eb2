"""What changed: by row, by production, by person; and what rows and boards were at a moment."""
