"""Which target and which grade belong to each measure of the data?

Kept equal to the data indicators of the audit, whose catalogue a client may change: what ``params/<client>/indicators.yml``
says of them holds here too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from crmkit.core.language import mark
from crmkit.core.results import Unit
from crmkit.core.yaml_text import read_yaml

if TYPE_CHECKING:
    from pathlib import Path

FILE = "indicators.yml"


@dataclass(frozen=True)
class Standard:
    """What a measure is held against.

    Parameters
    ----------
    id : str
        Of the indicator of the audit.
    label : str
        In words, translated.
    unit : Unit
    direction : {"up", "down"}
    target : float
    cuts : tuple of 4 floats
        Where the grades 2, 3, 4 and 5 begin.
    least : int
        Of fewer cases there is no grade.
    own : bool
        Whether the company has set the target.
    """

    id: str
    label: str
    unit: Unit
    direction: str
    target: float
    cuts: tuple[float, ...]
    least: int = 50
    own: bool = False


KIT: tuple[Standard, ...] = (
    Standard("D-COMP", mark("Cells filled that a record should fill"), "share", "up", 0.95, (0.7, 0.8, 0.9, 0.97)),
    Standard("D-VALID", mark("Records that break no rule"), "share", "up", 0.98, (0.8, 0.9, 0.95, 0.99)),
    Standard("D-DUP", mark("Records of somebody who has another record"), "share", "down", 0.03, (0.15, 0.1, 0.05, 0.02)),
    Standard("D-MATCH", mark("Customers found in the customer table"), "share", "up", 0.92, (0.6, 0.75, 0.85, 0.95)),
    Standard("D-SILO", mark("Customers kept apart by departments"), "share", "down", 0.08, (0.4, 0.25, 0.15, 0.05)),
    Standard("D-FRESH", mark("Age of a record, median"), "days", "down", 30.0, (365.0, 180.0, 90.0, 30.0)),
    Standard("D-ACC", mark("Checked cells that were right"), "share", "up", 0.98, (0.85, 0.9, 0.95, 0.98)),
    Standard("D-CONS", mark("Records with consent for the purposes used"), "share", "up", 1.0, (0.9, 0.95, 0.99, 1.0)),
    Standard("D-USE", mark("Licensed users who use the system"), "share", "up", 0.8, (0.3, 0.5, 0.7, 0.85), least=3),
)  # fmt: skip


def standards(*, client: str, home: Path | None) -> dict[str, Standard]:
    """The standards of a client, by id.

    Parameters
    ----------
    client : str
    home : Path or None
        Project root; None: the kit's standards.

    Notes
    -----
    Whether the client's file is in order is checked by the audit, which names what is wrong in it; here a value that is no
    number is left out.
    """
    path = home / "params" / client / FILE if home is not None and client else None
    said: Any = read_yaml(path.read_text(encoding="utf-8")) if path is not None and path.is_file() else {}
    changed = said if isinstance(said, Mapping) else {}
    return {one.id: _changed(one, changed.get(one.id)) for one in KIT}


def _changed(one: Standard, said: Any) -> Standard:
    if not isinstance(said, Mapping):
        return one
    target, cuts = said.get("target"), said.get("cuts")
    if isinstance(target, int | float):
        one = replace(one, target=float(target), own=True)
    if isinstance(cuts, list) and len(cuts) == len(one.cuts) and all(isinstance(cut, int | float) for cut in cuts):
        one = replace(one, cuts=tuple(map(float, cuts)), own=True)
    return one
