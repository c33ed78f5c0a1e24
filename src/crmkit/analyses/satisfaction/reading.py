"""Which answers were given without reading the questions?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from crmkit.core.errors import ModelError
from crmkit.core.results import Quantity, Text
from crmkit.models.survey.careless import FEWEST_ITEMS, careless

if TYPE_CHECKING:
    import pandas as pd

    from crmkit.analyses.satisfaction.read import Item

# with fewer, two halves that disagree are mostly chance
FEWEST_BLOCKS = 5
TOO_FEW = Text("needs {needed} items on one scale, there are {items}")


def judged(responses: pd.DataFrame, given: pd.DataFrame, items: Sequence[Item]) -> tuple[pd.DataFrame | None, Text | None]:
    """Who answered without reading, judged over all waves together?

    Parameters
    ----------
    responses, given : DataFrame
        As in :class:`~crmkit.analyses.satisfaction.read.Survey`.
    items : sequence of Item

    Returns
    -------
    signs : DataFrame or None
        As of :func:`crmkit.models.survey.careless.careless`, one row per response.
    reason : Text or None
        Why they could not be looked for.

    Notes
    -----
    Only items of the scale that most items share count: equal answers on different scales mean nothing. A second response of a
    customer in the same wave is a duplicate; where customers are not known, equal answers are one sign only.
    """
    scales = Counter((item.low, item.high) for item in items)
    if not scales:
        return None, Text(TOO_FEW.template, {"needed": Quantity(FEWEST_ITEMS, "count"), "items": Quantity(0, "count")})
    scale = scales.most_common(1)[0][0]
    used = [item for item in items if (item.low, item.high) == scale]
    if len(used) < FEWEST_ITEMS:
        counts = {"needed": Quantity(FEWEST_ITEMS, "count"), "items": Quantity(len(used), "count")}
        return None, Text(TOO_FEW.template, counts)
    senders = _senders(responses)
    try:
        found = careless(
            given[[item.id for item in used]].to_numpy(),
            blocks=_blocks(used),
            reversed_items=[place for place, item in enumerate(used) if item.reverse],
            seconds=responses["duration_seconds"].to_numpy() if responses["duration_seconds"].notna().any() else None,
            senders=senders if senders is None else np.array(senders, dtype=object),
            scale=scale,
        )
    except ModelError as err:
        return None, err.text
    return found, None


def _blocks(items: Sequence[Item]) -> list[list[int]] | None:
    """Columns of each dimension with two items or more, for the even-odd measure; None where they are too few."""
    places: dict[str, list[int]] = {}
    for place, item in enumerate(items):
        if item.dimension:
            places.setdefault(item.dimension, []).append(place)
    blocks = [block for block in places.values() if len(block) > 1]
    return blocks if len(blocks) >= FEWEST_BLOCKS else None


def _senders(responses: pd.DataFrame) -> list[str | None] | None:
    """Customer and wave of each response; None where nobody is known by name."""
    known = responses["customer_id"].notna()
    if not known.any():
        return None
    pairs = zip(responses["wave"], responses["customer_id"], known, strict=True)
    return [f"{wave}\x1f{customer}" if named else None for wave, customer, named in pairs]
