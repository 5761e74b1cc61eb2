"""The benchmark: Pegbar beside a floor app that does the least possible for the same answers."""
