"""Second factors: one-time passwords, mailed codes, security keys, recovery codes."""
