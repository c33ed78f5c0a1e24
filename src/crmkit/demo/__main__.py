"""``python -m crmkit.demo retailco --customers 100000 --out DIR``: writes a simulated company of any size."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from crmkit.core.errors import EXIT_CODE, CrmkitError
from crmkit.demo.company import companies, write


def main(arguments: list[str] | None = None) -> int:
    """Read the arguments, write the files, say where; 2 when something is wrong with the arguments."""
    parser = argparse.ArgumentParser(prog="python -m crmkit.demo", description="Write a simulated company with known truth.")
    parser.add_argument("company", help=f"one of: {', '.join(companies())}")
    parser.add_argument("--customers", type=int, help="number of customers (default: as in the committed files)")
    parser.add_argument("--seed", type=int, help="seed (default: that of the committed files)")
    parser.add_argument("--format", choices=("csv", "parquet"), default="csv", help="format of the tables (default: csv)")
    parser.add_argument("--out", type=Path, required=True, help="folder; files of the same names are replaced")
    asked = parser.parse_args(arguments)
    try:
        folder = write(asked.company, asked.out, customers=asked.customers, seed=asked.seed, file_format=asked.format)
    except CrmkitError as err:
        print(err, file=sys.stderr)
        return EXIT_CODE
    print(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
