"""What moves satisfaction? One fit that every exhibit on drivers reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.satisfaction.estimates import hundred
from crmkit.analyses.satisfaction.survey import Item, Survey
from crmkit.analyses.satisfaction.weights import Weights
from crmkit.core.errors import ModelError
from crmkit.core.results import Quantity, Text
from crmkit.models.survey import drivers as model

if TYPE_CHECKING:
    import pandas as pd

NO_OUTCOME = Text("no question asks for satisfaction or recommendation")
TOO_FEW_DRIVERS = Text("needs two questions or more that are declared as drivers, there are {n}")


@dataclass(frozen=True)
class Drive:
    """What moves one outcome.

    Parameters
    ----------
    outcome : Item or None
    drivers : tuple of Item
    found : Importance or None
        Fitted to the drivers on a scale of 0 to 100.
    rows : DataFrame
        The answers used: the outcome and the drivers in their own points, one row per response.
    weights : array or None
        Of these rows.
    waves : tuple of str
        Waves that were used.
    reason : Text or None
        Why there is no fit.
    """

    outcome: Item | None
    drivers: tuple[Item, ...]
    found: model.Importance | None = field(repr=False)
    rows: pd.DataFrame = field(repr=False)
    weights: np.ndarray | None = field(repr=False)
    waves: tuple[str, ...]
    reason: Text | None = None

    def label(self, name: str) -> str:
        """What a driver is called."""
        return next(item.label for item in self.drivers if item.id == name)


def drive(
    past: Survey,
    weights: Weights,
    *,
    outcome: str = "",
    drivers: Sequence[str] = (),
    waves: int = 4,
    draws: int = 1000,
    seed: int = 0,
) -> Drive:
    """Which questions go with the outcome, by how much each, and how sure is that?

    Parameters
    ----------
    past : Survey
    weights : Weights
        Used where every wave has them; without, all answers weigh the same.
    outcome : str
        Item that is to be explained; empty: satisfaction, else recommendation, else effort.
    drivers : sequence of str
        Items that may explain it; empty: all that are declared as drivers.
    waves : int
        The wave reported and so many less one before it are taken together; the wave is held.
    draws : int
        Bootstrap resamples.
    seed : int

    Returns
    -------
    Drive

    Raises
    ------
    ParamError
        For an item that is not declared.
    """
    target = (
        past.item(outcome) if outcome else next(iter(past.of_kind("csat") or past.of_kind("nps") or past.of_kind("ces")), None)
    )
    chosen = tuple(past.item(name) for name in drivers) or past.of_kind("driver")
    chosen = tuple(item for item in chosen if target is None or item.id != target.id)
    used = _used(past, waves)
    rows, share = _rows(past, weights, used, target, chosen)
    reason: Text | None = past.reason
    if reason is None and target is None:
        reason = NO_OUTCOME
    if reason is None and len(chosen) < 2:
        reason = Text(TOO_FEW_DRIVERS.template, {"n": Quantity(len(chosen), "count")})
    found: model.Importance | None = None
    if reason is None and target is not None:
        try:
            found = _fit(rows, share, target, chosen, used, draws=draws, confidence=past.confidence, seed=seed)
        except ModelError as err:
            reason = err.text
    return Drive(target, chosen, found, rows, share, used, reason)


def _used(past: Survey, waves: int) -> tuple[str, ...]:
    if past.waves.reported not in past.waves.names:
        return ()
    last = past.waves.names.index(past.waves.reported)
    return past.waves.names[max(0, last - waves + 1) : last + 1]


def _rows(
    past: Survey, weights: Weights, used: tuple[str, ...], target: Item | None, chosen: tuple[Item, ...]
) -> tuple[pd.DataFrame, np.ndarray | None]:
    """Answers of the waves used, and their weights where all of them have some."""
    import pandas as pd

    names = [item.id for item in ((target, *chosen) if target is not None else chosen)]
    if not used:
        return pd.DataFrame(columns=names), None
    rows = pd.concat([past.at(wave)[["wave", *names]] for wave in used], ignore_index=True)
    each = [weights.of(wave) for wave in used]
    known = [one for one in each if one is not None]
    return rows, np.concatenate(known) if len(known) == len(used) else None


def _fit(
    rows: pd.DataFrame,
    share: np.ndarray | None,
    target: Item,
    chosen: tuple[Item, ...],
    used: tuple[str, ...],
    *,
    draws: int,
    confidence: float,
    seed: int,
) -> model.Importance:
    """Drivers on 0 to 100 so that those on other scales can be compared; the wave explains first and is not ranked."""
    data = rows.assign(**{item.id: hundred(item, rows[item.id].to_numpy(dtype=np.float64)) for item in chosen})
    held = {f"\x1fwave{at}": (rows["wave"] == wave).astype("float64") for at, wave in enumerate(used[1:])}
    held = {name: column for name, column in held.items() if column.nunique() > 1}
    return model.importance(
        data.assign(**held),
        outcome=target.id,
        drivers=[item.id for item in chosen],
        weights=share,
        controls=list(held),
        draws=draws,
        confidence=confidence,
        seed=seed,
    )
