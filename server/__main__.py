"""`python -m server` is `tutorhub`."""

from server.cli import main

main()
