"""What a file of a cut holds: its clips, where they lie, and what their names tell of shots.

Files come from anywhere and are read by libraries that crash on bad ones, and the pattern that reads names is a
caller's: all of it happens in a confined process (`program.py`), which knows nothing of the server. `process.py` is
the server's side of it.
"""
