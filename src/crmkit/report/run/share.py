"""How much of the machine may each of several kernels use?

Stands alone: sums of memory and threads, without a kernel.
"""

from __future__ import annotations

import re

from crmkit.core.errors import ParamError
from crmkit.data.sources.engine import MEMORY_VARIABLE, THREADS_VARIABLE, memory_limit, threads

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}


def shares(jobs: int) -> dict[str, str]:
    """Environment of each of ``jobs`` kernels that run at once: an equal part of the memory and of the threads.

    What ``$CRMKIT_MEMORY`` and ``$CRMKIT_THREADS`` say is for the whole run; one kernel alone is given all of it.

    Raises
    ------
    ParamError
        When one of them cannot be used.

    Examples
    --------
    >>> shares(1)
    {}
    """
    if jobs == 1:
        return {}
    return {
        MEMORY_VARIABLE: f"{size_bytes(memory_limit()) // jobs}B",
        THREADS_VARIABLE: str(max(1, threads() // jobs)),
    }


def size_bytes(text: str) -> int:
    """An amount of memory in bytes.

    Examples
    --------
    >>> size_bytes("1.5GiB"), size_bytes("200 MB"), size_bytes("7B")
    (1610612736, 200000000, 7)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]I?)?B", text.upper())
    if found is None:
        raise ParamError(f"${MEMORY_VARIABLE}: {text!r} is not an amount of memory; write it like 4GB")
    return int(float(found[1]) * UNITS[found[2] or ""])
