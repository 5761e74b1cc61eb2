"""Who is told what, in the inbox and outside it, and who watches what."""
