"""`python -m loadtest`. A process that this one starts imports what it has to do, and not all commands."""

if __name__ == "__main__":
    from loadtest.cli import main  # see above

    main()
