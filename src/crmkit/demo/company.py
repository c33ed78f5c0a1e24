"""What is a simulated company? Tables as a client would export them, and the truth that no client can export."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module, resources
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

from crmkit.core.errors import ParamError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

FileFormat = Literal["csv", "parquet"]
HELPERS = frozenset(
    {
        "__init__",
        "__main__",
        "audited",
        "company",
        "leaving",
        "names",
        "purchases",
        "questionnaire",
        "servicing",
        "software",
        "verbatims",
    }
)


@dataclass(frozen=True)
class Company:
    """A simulated company.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Canonical table name -> rows, in the order in which they are written.
    truth : mapping
        Seed, parameters and true totals; becomes ``truth.json``.
    """

    tables: Mapping[str, pd.DataFrame]
    truth: Mapping[str, Any]


class Simulator(Protocol):
    """What the module of a company offers."""

    CUSTOMERS: int
    SEED: int

    def simulate(self, customers: int, seed: int) -> Company:
        """A company of that many customers; equal for equal seeds."""


def companies() -> list[str]:
    """Names of the companies that can be simulated: the modules and packages of this package."""
    found = (entry.name for entry in iter_modules([str(resources.files("crmkit.demo"))]))
    return sorted(set(found) - HELPERS)


def simulator(company: str) -> Simulator:
    """The module that simulates a company.

    Raises
    ------
    ParamError
        When there is none of that name; the nearest is offered.
    """
    if company not in companies():
        raise ParamError(f"company {company!r}: cannot be simulated; {did_you_mean(company, companies())}")
    return cast("Simulator", import_module(f"crmkit.demo.{company}"))


def write(
    company: str, folder: Path | str, *, customers: int | None = None, seed: int | None = None, file_format: FileFormat = "csv"
) -> Path:
    """Simulate a company and write its tables and its truth into a folder.

    Parameters
    ----------
    company : str
        Name of a module of this package, for example ``"retailco"``.
    folder : Path or str
        Made where it is missing; files of the same names are replaced.
    customers : int or None
        Number of customers [1, 10_000_000]; None = as many as the committed files have.
    seed : int or None
        None = the seed of the committed files.
    file_format : {"csv", "parquet"}

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ParamError
        For an unknown company or a number of customers out of range.
    """
    module = simulator(company)
    number = module.CUSTOMERS if customers is None else customers
    if not 1 <= number <= 10_000_000:
        raise ParamError(f"customers: {number} is out of range; allowed are 1 to 10000000")
    made = module.simulate(number, module.SEED if seed is None else seed)
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    for name, table in made.tables.items():
        if file_format == "csv":
            write_csv(table, target / f"{name}.csv")
        else:
            table.to_parquet(target / f"{name}.parquet", index=False)
    (target / "truth.json").write_text(json.dumps(made.truth, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return target


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table as the same bytes on every machine: dates to the day, two decimals."""
    table.to_csv(path, index=False, lineterminator="\n", date_format="%Y-%m-%d", float_format="%.2f")
