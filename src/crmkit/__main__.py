"""``python -m crmkit`` is the command ``crmkit``."""

from crmkit.cli import main

if __name__ == "__main__":
    main()
