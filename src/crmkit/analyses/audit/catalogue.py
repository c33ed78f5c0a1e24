"""Which indicators does an audit use: name, formula, unit, direction, target, cuts to scores; and what has the client changed?

The kit's own entries stand in ``indicators/``, a file per class beside the functions that compute them. A client's
``params/<client>/indicators.yml`` names indicators by id and may change what is a matter of policy: target, cuts, weight,
names, whether it is wanted at all. Never the formula: another formula would be another indicator under an old name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from crmkit.analyses.audit.client_changes import Change, differences, overlay_of, read_overlay
from crmkit.analyses.audit.targets import FILE, read_targets
from crmkit.core.errors import ParamError, Problem, did_you_mean
from crmkit.core.refused import problems_of
from crmkit.core.results import Unit
from crmkit.core.yaml_text import read_yaml

if TYPE_CHECKING:
    import pandas as pd

Group = Literal["process", "outcome", "input_output", "data", "people"]
Owner = Literal["audit", "clv", "churn", "satisfaction", "data_quality"]
Direction = Literal["up", "down", "range"]
Basis = Literal["fixed", "previous", "own", "declared", "plan"]
GROUPS: tuple[Group, ...] = ("process", "outcome", "input_output", "data", "people")
CUTS = 4


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Formula(_Strict):
    """The formula in words, in both languages."""

    en: str
    zh: str


class Indicator(_Strict):
    """One indicator of the catalogue.

    Parameters
    ----------
    id : str
        For example ``P-RESP``; its formula is the function of that id in :mod:`crmkit.analyses.audit.indicators`.
    group : {"process", "outcome", "input_output", "data", "people"}
        Its class; ``class`` in the file.
    owner : {"audit", "clv", "churn", "satisfaction", "data_quality"}
        The analysis that computes it.
    en, zh : str
        Names.
    formula : Formula
    unit : Unit
        Shares are 0 to 1, money is in the client's currency.
    direction : {"up", "down", "range"}
        Which way is better; ``range``: near the target is better.
    basis : {"fixed", "previous", "own", "declared", "plan"}
        What target and cuts are measured in: the unit itself; parts of the value a year before, of the declared steps or of
        the plan; or shares of the own earlier months that are not better.
    tables : tuple of str
        Tables that it cannot do without.
    target : float
        The kit's is a placeholder until a client edits it.
    cuts : tuple of 4 floats
        Where the scores 2, 3, 4 and 5 begin; for ``range``, distances from the target as parts of it.
    min_n : int
        Fewer observations are not assessed.
    months : int
        Length of the period looked at; 0: that of the cycle.
    weight : float
        In the mean of its class.
    rows : tuple of str
        Where the sources ask for it.
    kri : bool
        Whether it serves as an early warning of a risk.
    enabled : bool
        Whether the client wants it.
    """

    id: str = Field(pattern=r"^[PRID]-[A-Z0-9]+$")
    group: Group = Field(alias="class")
    owner: Owner
    en: str = Field(min_length=1)
    zh: str = Field(min_length=1)
    formula: Formula
    unit: Unit
    direction: Direction
    basis: Basis
    tables: tuple[str, ...] = Field(min_length=1)
    target: float = Field(allow_inf_nan=False)
    cuts: tuple[float, ...] = Field(min_length=CUTS, max_length=CUTS)
    min_n: int = Field(ge=1)
    months: int = Field(ge=0, le=36)
    weight: float = Field(gt=0, allow_inf_nan=False)
    rows: tuple[str, ...]
    kri: bool
    enabled: bool = True

    @field_validator("cuts")
    @classmethod
    def _finite(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if not all(abs(cut) < float("inf") for cut in value):
            raise ParamError("four numbers are expected")
        return value

    @model_validator(mode="after")
    def _in_order(self) -> Indicator:
        steps = [after - before for before, after in zip(self.cuts, self.cuts[1:], strict=False)]
        rising = self.direction == "up"
        if not all(step > 0 if rising else step < 0 for step in steps):
            word = "rise" if rising else "fall"
            raise ParamError(
                f"cuts {list(self.cuts)} must {word} from score 2 to score 5, as the direction is {self.direction}"
            )
        return self

    def name(self, language: str) -> str:
        """Its name in a language."""
        return self.zh if language == "zh" else self.en


OVERLAY = "indicators.yml"
# what indicators of money are called where no margin is agreed
OF_REVENUE = {
    "R-CLV": ("Expected revenue of a customer", "客户预期收入"),
    "R-TIER": ("Revenue held by the top tier", "高收入客户占比"),
    "I-CAC": ("Customer revenue over cost to win one", "客户收入与获客成本之比"),
    "I-CTS": ("Mismatch of service and revenue", "服务成本与收入错配"),
}
MAY_CHANGE = ("target", "cuts", "weight", "en", "zh", "enabled")
TYPES: dict[str, tuple[tuple[type, ...], str]] = {
    "target": ((int, float), "a number is expected"),
    "cuts": ((list,), "four numbers are expected, where the scores 2, 3, 4 and 5 begin"),
    "weight": ((int, float), "a number above 0 is expected"),
    "en": ((str,), "a text is expected"),
    "zh": ((str,), "a text is expected"),
    "enabled": ((bool,), "true or false is expected"),
}


@dataclass(frozen=True)
class Catalogue:
    """The indicators of an audit.

    Parameters
    ----------
    indicators : mapping of str to Indicator
        All of them, those that are switched off too, in the order of the report.
    changes : tuple of Change
        What the client's file changes.
    digest : str
        SHA-256 over everything that decides a score.
    """

    indicators: Mapping[str, Indicator]
    changes: tuple[Change, ...] = ()
    digest: str = ""

    def __getitem__(self, name: str) -> Indicator:
        return self.indicators[name]

    def __iter__(self) -> Iterator[Indicator]:
        return iter(self.indicators.values())

    def __len__(self) -> int:
        return len(self.indicators)

    @property
    def edited(self) -> frozenset[str]:
        """Indicators whose target is the client's own; all others have the kit's placeholder."""
        return frozenset(change.id for change in self.changes if change.key == "target")

    def without_margin(self) -> Catalogue:
        """The same, with names that speak of revenue; a name of the client's own stays."""
        own = {change.id for change in self.changes if change.key in ("en", "zh")}
        renamed = {
            name: one.model_copy(update=dict(zip(("en", "zh"), OF_REVENUE[name], strict=True)))
            if name in OF_REVENUE and name not in own
            else one
            for name, one in self.indicators.items()
        }
        return replace(self, indicators=renamed)

    def differences(self) -> pd.DataFrame:
        """What the client has changed: ``indicator, key, before, after``, as text."""
        return differences(self.changes, of="indicator")


def load_catalogue(*, path: Path | str | None = None, home: Path | None = None, client: str = "") -> Catalogue:
    """Which indicators does this client's audit use?

    Parameters
    ----------
    path : Path, str or None
        The client's file; relative paths count from ``home``. None: ``params/<client>/indicators.yml`` where it is there.
    home : Path or None
        Project root.
    client : str

    Returns
    -------
    Catalogue

    Notes
    -----
    Targets that were filled into ``params/<client>/targets.xlsx`` count like those of the file.

    Raises
    ------
    ParamError
        Everything in which the client's files cannot be used.

    Examples
    --------
    >>> len(load_catalogue()), load_catalogue()["P-RESP"].target
    (57, 0.85)
    """
    indicators: Mapping[str, Indicator] = kit_indicators()
    changes: tuple[Change, ...] = ()
    found, named = _overlay_path(path, home=home, client=client)
    if found is not None:
        indicators, changes = merge(indicators, read_overlay(found, named=named, of="catalogue"), where=named)
    filled, where = overlay_of(client, FILE, home=home)
    if filled is not None:
        wanted = read_targets(filled, named=where)
        twice = sorted({change.id for change in changes if change.key == "target"} & set(wanted))
        if twice:
            raise ParamError([Problem(f"{where}, {one}:", f"has a target in {named} too", "keep one of them") for one in twice])
        indicators, more = merge(indicators, wanted, where=where)
        changes = (*changes, *more)
    return Catalogue(indicators, changes, _digest(indicators))


def merge(
    base: Mapping[str, Indicator], overlay: Mapping[Any, Any], *, where: str = OVERLAY
) -> tuple[dict[str, Indicator], tuple[Change, ...]]:
    """The indicators with a client's changes, and the changes.

    Parameters
    ----------
    base : mapping of str to Indicator
    overlay : mapping of id to mapping of key to value
        Keys from ``target, cuts, weight, en, zh, enabled``.
    where : str
        How messages name the file.

    Raises
    ------
    ParamError
        All problems at once.
    """
    merged, changes, problems = dict(base), [], []
    for name, keys in overlay.items():
        if name not in base:
            problems.append(Problem(f"{where}:", f"unknown indicator {name!r}", hint=did_you_mean(str(name), base)))
            continue
        faults = _faults(name, keys, where)
        problems += faults
        if faults:
            continue
        old = base[name]
        try:
            given = {**old.model_dump(by_alias=True), **keys}
            merged[name] = Indicator.model_validate(given)
        except ValidationError as err:
            problems += problems_of(err, Indicator, given, where=f"{where}, {name}")
            continue
        now = merged[name]
        changes += [
            Change(name, key, getattr(old, key), getattr(now, key)) for key in keys if getattr(old, key) != getattr(now, key)
        ]
    if problems:
        raise ParamError(problems)
    return merged, tuple(changes)


@cache
def kit_indicators() -> Mapping[str, Indicator]:
    """All indicators as the kit has them, by id."""
    found: dict[str, Indicator] = {}
    folder = resources.files("crmkit.analyses.audit.indicators")
    for group in GROUPS:
        for entry in read_yaml((folder / f"{group}.yml").read_text(encoding="utf-8")):
            one = Indicator.model_validate(entry)
            if one.id in found or one.group != group:
                raise ParamError(Problem(f"{group}.yml, {one.id}:", "stands there twice, or in the file of another class"))
            found[one.id] = one
    return found


def _overlay_path(path: Path | str | None, *, home: Path | None, client: str) -> tuple[Path | None, str]:
    if path is not None and str(path):
        given = Path(path)
        whole = given if given.is_absolute() or home is None else home / given
        if not whole.is_file():
            raise ParamError(Problem(f"{given}:", "there is no such file", "name the file with the client's indicators"))
        return whole, str(given)
    return overlay_of(client, OVERLAY, home=home)


def _faults(name: str, keys: Any, where: str) -> list[Problem]:
    """What of an indicator's changes is not allowed or of the wrong type."""
    if not isinstance(keys, dict):
        return [Problem(f"{where}, {name}:", f"is {keys!r}", f"keys are expected: {', '.join(MAY_CHANGE)}")]
    found = []
    for key, value in keys.items():
        if key == "class" or (key in Indicator.model_fields and key not in MAY_CHANGE):
            found.append(Problem(f"{where}, {name}:", f"{key} cannot be changed", f"only {', '.join(MAY_CHANGE)} can"))
        elif key not in MAY_CHANGE:
            found.append(Problem(f"{where}, {name}:", f"unknown key {key!r}", hint=did_you_mean(str(key), MAY_CHANGE)))
        else:
            kinds, wanted = TYPES[key]
            wrong = not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds)
            if wrong or (key == "cuts" and len(value) != CUTS):
                found.append(Problem(f"{where}, {name}, {key}:", f"is {value!r}", wanted))
    return found


def _digest(indicators: Mapping[str, Indicator]) -> str:
    said = {name: one.model_dump(mode="json", by_alias=True) for name, one in indicators.items()}
    return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
