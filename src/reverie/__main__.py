"""`python -m reverie`, and the `reverie` command: a door that is quiet even while the rest is still being imported."""

import sys


def main() -> int:
    """Run the command line and return its exit code."""
    try:
        from reverie.apps.cli.main import main as run

        return run()
    except KeyboardInterrupt:
        sys.stderr.write("reverie: stopped by Ctrl-C\n")
        return 130


if __name__ == "__main__":
    sys.exit(main())
