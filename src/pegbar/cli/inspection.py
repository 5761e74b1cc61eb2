"""`pegbar routes`, `pegbar config`, `pegbar jobs`."""
