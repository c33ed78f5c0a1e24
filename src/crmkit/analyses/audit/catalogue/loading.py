"""Which indicators does an audit use, and what has the client changed?

The kit's own files hold all of them. A client's ``params/<client>/indicators.yml`` names indicators by id and may change what
is a matter of policy: target, cuts, weight, names, whether it is wanted at all. Never the formula: another formula would be
another indicator under an old name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from crmkit.analyses.audit.catalogue.entries import CUTS, GROUPS, Indicator
from crmkit.analyses.audit.client_changes import overlay_of, read_overlay
from crmkit.core.errors import ParamError, Problem, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

OVERLAY = "indicators.yml"
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
class Change:
    """One value that the client has set: of which indicator, which key, before and after."""

    indicator: str
    key: str
    before: Any
    after: Any


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
        return frozenset(change.indicator for change in self.changes if change.key == "target")

    def differences(self) -> pd.DataFrame:
        """What the client has changed: ``indicator, key, before, after``, as text."""
        import pandas as pd

        rows = [(one.indicator, one.key, _shown(one.before), _shown(one.after)) for one in self.changes]
        return pd.DataFrame(rows, columns=["indicator", "key", "before", "after"], dtype=object)


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

    Raises
    ------
    ParamError
        Everything in which the client's file cannot be used.

    Examples
    --------
    >>> len(load_catalogue()), load_catalogue()["P-RESP"].target
    (57, 0.85)
    """
    base = _base()
    found, named = _overlay_path(path, home=home, client=client)
    if found is None:
        return Catalogue(base, digest=_digest(base))
    indicators, changes = merge(base, read_overlay(found, named=named, of="catalogue"), where=named)
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
            merged[name] = Indicator.model_validate({**old.model_dump(by_alias=True), **keys})
        except ValidationError as err:
            problems += [Problem(f"{where}, {name}:", _sentence(error)) for error in err.errors()]
            continue
        now = merged[name]
        changes += [
            Change(name, key, getattr(old, key), getattr(now, key)) for key in keys if getattr(old, key) != getattr(now, key)
        ]
    if problems:
        raise ParamError(problems)
    return merged, tuple(changes)


@cache
def _base() -> Mapping[str, Indicator]:
    found: dict[str, Indicator] = {}
    folder = resources.files("crmkit.analyses.audit.catalogue")
    for group in GROUPS:
        for entry in yaml.safe_load((folder / f"{group}.yml").read_text(encoding="utf-8")):
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


def _sentence(error: Any) -> str:
    place = ".".join(str(part) for part in error["loc"])
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{place}: is {error.get('input')!r}; {message[0].lower()}{message[1:]}" if place else message


def _digest(indicators: Mapping[str, Indicator]) -> str:
    said = {name: one.model_dump(mode="json", by_alias=True) for name, one in indicators.items()}
    return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _shown(value: Any) -> str:
    return (
        ", ".join(f"{one:g}" for one in value)
        if isinstance(value, tuple)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )
