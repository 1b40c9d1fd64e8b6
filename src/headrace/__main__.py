"""`python -m headrace` is the command `headrace`."""

from headrace import cli

if __name__ == "__main__":
    cli.main()
