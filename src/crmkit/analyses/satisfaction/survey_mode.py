"""Were two waves asked in the same way? Telephone and paper bring other scores than a form on the screen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crmkit.analyses.satisfaction.read import Survey
from crmkit.core.results import Quantity, Text

LARGE_SHIFT = 0.15
BEYOND = 0.01


@dataclass(frozen=True)
class Modes:
    """Whether two waves may be compared.

    Parameters
    ----------
    comparable : bool
    why : Text
        Which channel changed its part, and by how much; empty words where nothing did.
    """

    comparable: bool
    why: Text


def compare_modes(past: Survey, before: str, now: str) -> Modes:
    """Have the channels of the answers changed their parts from one wave to the other?

    Parameters
    ----------
    past : Survey
    before, now : str
        Waves.

    Returns
    -------
    Modes
        Not comparable where a channel's part changed by 15 percentage points or more and not by chance (chi-squared test
        below 1 %).
    """
    from scipy.special import chdtrc

    same = Modes(True, Text(""))
    if "channel" not in past.recorded or not before:
        return same
    counts = [past.at(wave)["channel"].value_counts() for wave in (before, now)]
    names = sorted(set(counts[0].index) | set(counts[1].index))
    table = np.array([[float(one.get(name, 0)) for name in names] for one in counts])
    if len(names) < 2 or (table.sum(1) == 0).any():
        return same
    shares = table / table.sum(1, keepdims=True)
    shift = shares[1] - shares[0]
    at = int(np.abs(shift).argmax())
    expected = np.outer(table.sum(1), table.sum(0)) / table.sum()
    p_value = float(chdtrc(len(names) - 1, ((table - expected) ** 2 / expected).sum()))
    if abs(shift[at]) < LARGE_SHIFT or p_value >= BEYOND:
        return same
    numbers: dict[str, Quantity | Text | str] = {
        "channel": str(names[at]),
        "before": Quantity(shares[0, at], "share"),
        "now": Quantity(shares[1, at], "share"),
    }
    return Modes(False, Text("“{channel}” had {before} of the answers and now has {now}", numbers))
