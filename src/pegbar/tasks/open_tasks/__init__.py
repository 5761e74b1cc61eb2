"""The tasks of open productions: found again, counted, burnt down."""
