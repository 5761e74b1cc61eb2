"""Tasks made and removed for many entities at once, or of all types for one."""
