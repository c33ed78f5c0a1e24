"""What may be seen of a person: pseudonyms that only the client's key can explain, and groups too small to show."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from crmkit.core.errors import ParamError

if TYPE_CHECKING:
    import pandas as pd

KEY_VARIABLE = "CRMKIT_KEY"
PSEUDONYM_LETTERS = 10
KEY_BYTES = 32


def client_key(client: str, *, home: Path) -> bytes:
    """The secret that a client's pseudonyms are made with.

    ``$CRMKIT_KEY`` where it is set, else ``params/<client>.key``, which is made on first use with mode 0600.

    Raises
    ------
    ParamError
        When the key file is empty.
    """
    named = os.environ.get(KEY_VARIABLE)
    if named:
        return hashlib.sha256(f"{client}\0{named}".encode()).digest()
    path = home / "params" / f"{client}.key"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        pass
    else:
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
    key = path.read_text().strip()
    if not key:
        raise ParamError(f"params/{client}.key: is empty; restore it, or delete it and accept new pseudonyms")
    return key.encode()


def pseudonym(customer_id: str, *, key: bytes) -> str:
    """A name for a customer that is equal in every run and cannot be turned back by trying ids.

    The first ten base32 letters of HMAC-SHA256 of the id under the client's key.

    Examples
    --------
    >>> pseudonym("007", key=b"secret") == pseudonym("007", key=b"secret")
    True
    >>> pseudonym("007", key=b"secret") == pseudonym("7", key=b"secret")
    False
    """
    digest = hmac.new(key, customer_id.encode("utf-8"), hashlib.sha256).digest()
    return base64.b32encode(digest).decode("ascii")[:PSEUDONYM_LETTERS]


def pseudonyms(customer_ids: Iterable[str], *, key: bytes) -> list[str]:
    """Pseudonyms of several customers, in the order given."""
    return [pseudonym(customer_id, key=key) for customer_id in customer_ids]


def suppress_small(
    table: pd.DataFrame, *, values: list[str], n: str = "n", min_cell: int, within: str | None = None
) -> pd.DataFrame:
    """Which groups are too small to show, and which must go with them?

    A group of fewer than ``min_cell`` customers is hidden. Where exactly one group of a partition would be hidden, the next
    smallest goes too, so that nobody can work it out from the total.

    Parameters
    ----------
    table : DataFrame
        One row per group of a partition.
    values : list of str
        Columns that are blanked, besides ``n``.
    n : str
        Column with the number of customers.
    min_cell : int
        Smallest group shown; 1 hides nothing.
    within : str or None
        Column that names the partition, where the table holds several.

    Returns
    -------
    DataFrame
        A copy with a column ``suppressed`` (bool); in hidden rows ``values`` and ``n`` are nan. Groups of nobody are shown.
    """
    import pandas as pd

    shown = table.copy()
    shown["suppressed"] = False
    parts = [shown.index] if within is None else [part.index for _, part in shown.groupby(within, sort=False)]
    for index in parts:
        counts = shown.loc[index, n].astype("float64")
        hidden = counts.index[(counts < min_cell) & (counts > 0)]
        if len(hidden) == 1:
            others = counts.drop(hidden)[lambda left: left > 0]
            if len(others):
                hidden = hidden.append(pd.Index([others.idxmin()]))
        shown.loc[hidden, "suppressed"] = True
    for column in [*values, n]:
        shown[column] = shown[column].astype("float64").mask(shown["suppressed"])
    return shown
