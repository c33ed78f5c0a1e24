"""Does an item belong on the form? Lawshe's content validity ratio, judged by the exact binomial distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from crmkit.core.errors import ModelError

if TYPE_CHECKING:
    import pandas as pd


def critical_essential(panel: int, *, significance: float = 0.05) -> int | None:
    """How many of a panel must call an item essential, so that it is not chance?

    Parameters
    ----------
    panel : int
        Experts, 1 or more.
    significance : float
        Of the one-sided test against half of the panel, between 0 and 1.

    Returns
    -------
    int or None
        None where even all of them would not be enough.

    Raises
    ------
    ModelError
        For an empty panel.

    References
    ----------
    Ayre & Scally (2014), doi:10.1177/0748175613513808.

    Examples
    --------
    >>> [critical_essential(panel) for panel in (4, 5, 8, 9, 13)]
    [None, 5, 7, 8, 10]
    """
    from scipy.special import bdtrc

    if panel < 1:
        raise ModelError(f"content validity: a panel of {panel}; at least one expert is needed")
    enough = [count for count in range(panel + 1) if (bdtrc(count - 1, panel, 0.5) if count else 1.0) <= significance]
    return enough[0] if enough else None


def content_validity(essential: ArrayLike, panel: ArrayLike, *, significance: float = 0.05) -> pd.DataFrame:
    """Which items does the panel keep?

    Parameters
    ----------
    essential, panel : arrays of shape (items,)
        Experts who call the item essential, and experts who judged it.
    significance : float

    Returns
    -------
    pandas.DataFrame
        Per item: `value` (-1 to 1; 0: half of the panel), `critical` (smallest value that is not chance, nan: panel too small),
        `p_value` (one-sided), `keep`, `n`.

    Raises
    ------
    ModelError
        When a count lies outside 0 to n.

    Notes
    -----
    ``(essential - n / 2) / (n / 2)``. Published tables by the normal approximation disagree with the exact ones.

    References
    ----------
    Lawshe (1975), doi:10.1111/j.1744-6570.1975.tb01393.x. Ayre & Scally (2014), doi:10.1177/0748175613513808.

    Examples
    --------
    >>> content_validity([7, 6], [8, 8])[["value", "keep"]].to_numpy().tolist()
    [[0.75, True], [0.5, False]]
    """
    import pandas as pd
    from scipy.special import bdtrc

    k, n = np.broadcast_arrays(np.asarray(essential, dtype=np.int64), np.asarray(panel, dtype=np.int64))
    if not ((k >= 0) & (k <= n) & (n > 0)).all():
        raise ModelError("content validity: counts go from 0 to the size of the panel, which is above 0")
    needed = [critical_essential(int(size), significance=significance) for size in n]
    p = np.where(k > 0, bdtrc(np.maximum(k - 1, 0), n, 0.5), 1.0)
    table = pd.DataFrame({"value": 2 * k / n - 1})
    table["critical"] = [np.nan if least is None else 2 * least / size - 1 for least, size in zip(needed, n, strict=True)]
    table["p_value"] = p
    table["keep"] = p <= significance
    return table.assign(n=n)
