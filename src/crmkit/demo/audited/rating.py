"""How do raters judge the company on the self-assessment form, and what does their judgement rest on?

Raters see what is true, as the catalogue would score it, and differ by chance; managers may be too kind, and so may one rater.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

CYCLES = ("2024H1", "2024H2", "2025H1", "2025H2")
ROLES: Mapping[str, int] = MappingProxyType({"manager": 4, "staff": 8, "customer": 8, "third_party": 3})
SPREAD = 0.3
# standard: the indicators it is about
STANDARDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "A1.response": ("P-RESP", "P-RESP50"),
        "A1.frequency": ("P-CONT", "P-COVER"),
        "A1.csat": ("P-CSAT", "P-CES"),
        "A2.growth": ("R-SALESG",),
        "A2.cac": ("I-CAC",),
        "A2.retention": ("R-RET", "R-CHURN"),
        "A3.efficiency": ("P-FCR",),
        "A3.complaint_time": ("P-CMPT", "P-CACK", "P-CLOSE"),
        "A4.collection": ("P-FBR", "P-REPR", "P-CHAN"),
        "A4.adoption": ("P-ADOPT", "P-LOOP"),
        "A5.skills": ("I-TRAINCOV", "I-TRAING"),
        "A5.motivation": ("P-ENG",),
    }
)
# where the scores 2, 3, 4 and 5 begin, as in the catalogue
CUTS: Mapping[str, tuple[float, float, float, float]] = MappingProxyType(
    {
        "P-RESP": (0.6, 0.75, 0.85, 0.95), "P-RESP50": (24, 8, 4, 2), "P-CONT": (0.25, 0.5, 1, 2),
        "P-COVER": (0.5, 0.7, 0.85, 0.95), "P-CSAT": (0.5, 0.65, 0.75, 0.85), "P-CES": (4, 3.25, 2.5, 1.75),
        "R-SALESG": (-0.05, 0, 0.05, 0.15), "R-RET": (0.65, 0.75, 0.85, 0.92), "R-CHURN": (0.05, 0.03, 0.02, 0.01),
        "P-FCR": (0.4, 0.55, 0.65, 0.75), "P-CMPT": (240, 120, 72, 36), "P-CACK": (0.6, 0.8, 0.9, 0.97),
        "P-CLOSE": (0.6, 0.8, 0.9, 0.97), "P-FBR": (0.05, 0.1, 0.2, 0.3), "P-REPR": (0.2, 0.15, 0.1, 0.05),
        "P-CHAN": (1, 2, 3, 4), "P-ADOPT": (0.02, 0.05, 0.12, 0.2), "P-LOOP": (0.4, 0.6, 0.75, 0.9),
        "I-TRAINCOV": (0.3, 0.5, 0.7, 0.9), "I-TRAING": (0, 0.2, 0.4, 0.6), "P-ENG": (2.5, 3, 3.5, 4),
        "I-CAC": (0.5, 1, 2, 3),
    }
)  # fmt: skip


@dataclass(frozen=True)
class Bias:
    """How raters err: points that managers give too much, and points that one member of staff does."""

    managers: float = 0.0
    lenient: float = 0.0


def score(indicator: str, value: float) -> int:
    """The catalogue's score of a value, 1 to 5."""
    cuts = CUTS[indicator]
    rising = cuts[1] > cuts[0]
    return 1 + sum(value >= cut - 1e-9 if rising else value <= cut + 1e-9 for cut in cuts)


def true_scores(values: Mapping[str, float]) -> dict[str, float]:
    """What each standard deserves: the mean score of its indicators, halves rounded down; 4 where none of them is known."""
    found = {}
    for standard, indicators in STANDARDS.items():
        known = [score(one, values[one]) for one in indicators if one in values]
        found[standard] = float(np.ceil(np.mean(known) - 0.5)) if known else 4.0
    return found


def assessments(
    rng: np.random.Generator,
    deserved: list[dict[str, float]],
    bias: Bias,
    *,
    cycles: tuple[str, ...] = CYCLES,
    prefix: str = "",
) -> pd.DataFrame:
    """Ratings of every cycle.

    Parameters
    ----------
    deserved : list of dict of str to float
        What each standard deserves, per cycle.
    """
    import pandas as pd

    raters = [(f"{prefix}{role[0].upper()}{number}", role) for role, many in ROLES.items() for number in range(1, many + 1)]
    kind = np.array([bias.managers if role == "manager" else 0.0 for _, role in raters])
    kind[[name for name, _ in raters].index(f"{prefix}S1")] += bias.lenient
    parts = []
    for cycle, true in zip(cycles, deserved, strict=True):
        centre = np.array(list(true.values()))[None, :] + kind[:, None]
        reality = np.clip(np.rint(centre + rng.normal(0, SPREAD, centre.shape)), 1, 5).astype(int)
        ahead = np.clip(reality + rng.choice([0, 1], reality.shape, p=[0.6, 0.4]), 1, 5)
        table = pd.DataFrame(
            {
                "cycle": cycle,
                "rater_id": np.repeat([name for name, _ in raters], len(true)),
                "rater_role": np.repeat([role for _, role in raters], len(true)),
                "standard_id": np.tile(list(true), len(raters)),
                "intention": ahead.ravel(),
                "reality": reality.ravel(),
            }
        )
        table["evidence_id"] = f"B-{cycle}-" + table["standard_id"]
        parts.append(table)
    return pd.concat(parts, ignore_index=True)


def evidence(cycles: tuple[str, ...] = CYCLES, *, kind: str = "data") -> pd.DataFrame:
    """One piece of evidence per cycle and standard."""
    import pandas as pd

    ends = {"1": "06-30", "2": "12-31"}
    rows = [
        (f"B-{cycle}-{standard}", kind, f"{cycle[:4]}-{ends[cycle[-1]]}", "Head of quality", 0.9)
        for cycle in cycles
        for standard in STANDARDS
    ]
    return pd.DataFrame(rows, columns=["evidence_id", "kind", "dated_at", "owner", "coverage"])


def pairwise(rng: np.random.Generator, *, prefix: str = "") -> pd.DataFrame:
    """How three managers compare the five items: near to 4, 3, 2, 2 and 1 parts."""
    import pandas as pd

    weight = {"A1": 4.0, "A2": 3.0, "A3": 2.0, "A4": 2.0, "A5": 1.0}
    rows = []
    for rater in (f"{prefix}M1", f"{prefix}M2", f"{prefix}M3"):
        for place, one in enumerate(weight):
            for other in list(weight)[place + 1 :]:
                ratio = weight[one] / weight[other] * float(np.exp(rng.normal(0, 0.1)))
                rows.append((CYCLES[-1], rater, one, other, round(ratio, 2)))
    return pd.DataFrame(rows, columns=["cycle", "rater_id", "item_i", "item_j", "ratio"])
