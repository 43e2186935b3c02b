"""`python -m server` is `tutorhub`."""

import gc

gc.disable()  # what is imported stays: to look through it again and again is a seventh of the time that a start takes

from server.cli import main  # noqa: E402  # see above

gc.enable()

if __name__ == "__main__":
    main()
