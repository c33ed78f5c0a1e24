"""What may a file be called that is about something which somebody else has named?"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence

LONGEST, DIGITS = 32, 8


def file_names(names: Sequence[str], *, taken: Collection[str] = ()) -> list[str]:
    """A short name of small letters, digits and hyphens for each of several names.

    Parameters
    ----------
    names : sequence of str
        All different; in any language, whatever they contain.
    taken : collection of str
        What is in use already.

    Returns
    -------
    list of str
        In the same order, all different. A name that does not survive whole, or would be equal to another's, ends with digits
        of its fingerprint, so that it is the same in every run.

    Examples
    --------
    >>> file_names(["Head of service", "客服", "../etc", "Etc"])
    ['head-of-service', 'eae0efe2', 'etc-f7f9121f', 'etc-d322decd']
    """
    plain = [_plain(name) for name in names]
    often = Counter(plain)
    found: list[str] = []
    for name, short in zip(names, plain, strict=True):
        whole = short and short == re.sub(r" +", "-", name.strip().lower())
        if whole and often[short] == 1 and short not in taken:
            found.append(short)
            continue
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
        length = DIGITS
        while (made := "-".join(part for part in (short, digest[:length]) if part)) in (*found, *taken, *plain):
            length += 1
        found.append(made)
    return found


def _plain(name: str) -> str:
    ascii_only = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_only).strip("-")[:LONGEST].strip("-")
