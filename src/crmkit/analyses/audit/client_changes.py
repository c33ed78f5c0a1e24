"""What has a client changed in a catalogue of the kit? The file that names entries by id and says only what differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from crmkit.core.errors import ParamError
from crmkit.core.yaml_text import read_yaml, unreadable

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Change:
    """One value that the client has set: of which entry, which key, before and after."""

    id: str
    key: str
    before: Any
    after: Any


def overlay_of(client: str, file: str, *, home: Path | None) -> tuple[Path | None, str]:
    """Where a client's own file is, and how messages name it; None where there is none.

    Parameters
    ----------
    client : str
    file : str
        Its name in ``params/<client>/``.
    home : Path or None
        Project root.
    """
    named = f"params/{client}/{file}"
    found = home / named if home is not None and client else None
    return (found if found is not None and found.is_file() else None), named


def read_overlay(path: Path, *, named: str, of: str) -> Mapping[Any, Any]:
    """What stands in a client's file.

    Parameters
    ----------
    path : Path
    named : str
        How messages name it.
    of : str
        What the ids are those of.

    Raises
    ------
    ParamError
        When it cannot be read as lines of the form ``ID: {key: value}``.
    """
    try:
        said = read_yaml(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as err:
        raise unreadable(err, where=named) from err
    if said is not None and not isinstance(said, dict):
        raise ParamError(f"{named}: is no list of 'ID: {{key: value}}' lines; the ids are those of the {of}")
    return said or {}


def differences(changes: Sequence[Change], *, of: str) -> pd.DataFrame:
    """What a client has changed, as text.

    Parameters
    ----------
    changes : sequence of Change
    of : str
        Name of the column with the ids.

    Returns
    -------
    pandas.DataFrame
        A row per change: the ids, ``key, before, after``.

    Examples
    --------
    >>> differences([Change("P-RESP", "cuts", (0.5, 0.6), (0.55, 0.6))], of="indicator").iloc[0].tolist()
    ['P-RESP', 'cuts', '0.5, 0.6', '0.55, 0.6']
    """
    import pandas as pd

    rows = [(one.id, one.key, _shown(one.before), _shown(one.after)) for one in changes]
    return pd.DataFrame(rows, columns=[of, "key", "before", "after"], dtype=object)


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(_shown(one) for one in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
