"""Integrals of many digits, worked out by mpmath once and kept beside the tests.

What is kept is found by the ends of the pieces, the digits asked for, and the integrand's own values at three places in each
piece: another integrand is another entry, and what is not kept is worked out. ``CRMKIT_INTEGRALS=again`` works out all of them
and compares (``make test-full``); ``CRMKIT_INTEGRALS=keep`` writes those that are new, in one process.
"""

import hashlib
import itertools
import json
import os
from functools import cache
from pathlib import Path

import mpmath as mp

KEPT = Path(__file__).with_suffix(".json")
ALIKE = mp.mpf(10) ** -16


@cache
def kept() -> dict[str, str]:
    """What was worked out before."""
    return json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.is_file() else {}


def name_of(f, points) -> str:
    """What an integral is kept under."""
    pieces = itertools.pairwise(points)
    places = [low + (high - low) * share for low, high in pieces for share in (mp.mpf(1) / 7, mp.mpf(1) / 2, mp.mpf(6) / 7)]
    said = [mp.nstr(mp.mpf(value), mp.mp.dps) for value in (*points, *map(f, places))]
    return hashlib.sha256(" ".join([str(mp.mp.dps), *said]).encode()).hexdigest()[:20]


def quad(f, points):
    """``mpmath.quad`` of an integrand over the pieces between finite points."""
    name, wanted = name_of(f, points), os.environ.get("CRMKIT_INTEGRALS", "")
    if name in kept() and wanted != "again":
        return mp.mpf(kept()[name])
    found = mp.quad(f, points)
    if name in kept():
        before = mp.mpf(kept()[name])
        assert abs(found - before) <= ALIKE * abs(found), (name, found, before)
    elif wanted == "keep":
        kept()[name] = mp.nstr(found, mp.mp.dps + 2)
        KEPT.write_text(json.dumps(dict(sorted(kept().items())), indent=0) + "\n", encoding="utf-8")
    return found
