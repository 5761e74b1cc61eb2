"""`python -m pegbar`."""

from pegbar.cli import main

main()
