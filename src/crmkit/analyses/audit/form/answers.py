"""Which ratings came back, from whom, and how far does their evidence carry?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.audit.form.questions import SCORES, Form
from crmkit.core.errors import ParamError, Problem, did_you_mean
from crmkit.core.language import mark
from crmkit.core.results import Text
from crmkit.data.sources.engine import to_frame

if TYPE_CHECKING:
    import pandas as pd

    from crmkit.data.client import Client

ROLES = ("manager", "staff", "customer", "third_party")
ROLE_WORDS = {
    "manager": mark("Managers"),
    "staff": mark("Staff"),
    "customer": mark("Customers asked"),
    "third_party": mark("Third party"),
}
NO_FORM = Text("needs assessments; write the form with: crmkit form {client}")
NOBODY = Text("no rating of this cycle has a standard that the form knows")
CAPS: Mapping[str, float] = {"none": 3, "statement": 4, "document": 5, "data": 5}
# what customers say of us is evidence itself; nobody asks them for a document
UNCAPPED = ("customer",)
WEIGHTS: Mapping[str, float] = dict.fromkeys(ROLES, 1.0)
TEXT_COLUMNS = ("cycle", "rater_id", "rater_role", "standard_id", "note", "evidence_id")


@dataclass(frozen=True, eq=False)
class Answers:
    """What came back on the form.

    Parameters
    ----------
    form : Form
    cycle : str
        The newest cycle with ratings, or the one asked for.
    ratings : pandas.DataFrame
        One row per rating of all cycles: ``cycle, rater_id, rater_role, number`` (within role and cycle), ``standard_id,
        intention, reality`` (points), ``evidence`` (grade), ``capped`` (reality, at most what the evidence carries).
    weights : mapping of role to float
    minimum : int
        Raters needed among managers and among staff.
    confidence : float
    language : str
    unknown : int
        Ratings that were left out because the form has no such standard.
    reason : Text or None
        Why there is nothing to assess.
    """

    form: Form
    cycle: str
    ratings: pd.DataFrame
    weights: Mapping[str, float]
    minimum: int = 3
    confidence: float = 0.95
    language: str = "en"
    unknown: int = 0
    reason: Text | None = None

    @property
    def cycles(self) -> list[str]:
        """Cycles with ratings, oldest first."""
        return sorted(self.ratings["cycle"].unique(), key=_order)

    def of(self, cycle: str) -> pd.DataFrame:
        """The ratings of one cycle."""
        return self.ratings[self.ratings["cycle"] == cycle]

    @property
    def now(self) -> pd.DataFrame:
        """The ratings of the cycle in question."""
        return self.of(self.cycle)


def read_answers(
    company: Client,
    form: Form,
    *,
    cycle: str = "",
    caps: Mapping[str, float] | None = None,
    weights: Mapping[str, float] | None = None,
    minimum: int = 3,
    confidence: float = 0.95,
) -> Answers:
    """What did the raters say?

    Parameters
    ----------
    company : Client
        With a table ``assessments``, and ``evidence`` where there is one.
    form : Form
    cycle : str
        Empty: the newest that has ratings.
    caps : mapping of evidence grade to points
        The highest score that a rating with such evidence may give; grades that are not named keep the kit's.
    weights : mapping of role to float
        Roles that are not named weigh 1.
    minimum : int
        Raters needed among managers and among staff.
    confidence : float

    Returns
    -------
    Answers
        With a reason instead of ratings where there are none.

    Raises
    ------
    ParamError
        For an unknown grade or role, or a number that is none.
    """
    if "assessments" not in company.tables:
        empty = _no_rows()
        reason = Text(NO_FORM.template, {"client": company.name})
        shares = _merged("role_weights", WEIGHTS, weights, low=0, high=np.inf)
        return Answers(form, cycle, empty, shares, minimum, confidence, company.language, reason=reason)
    filed = to_frame(company.tables["evidence"]) if "evidence" in company.tables else None
    return rated(
        to_frame(company.tables["assessments"]),
        filed,
        form,
        cycle=cycle,
        caps=caps,
        weights=weights,
        minimum=minimum,
        confidence=confidence,
        language=company.language,
    )


def rated(
    assessments: pd.DataFrame,
    evidence: pd.DataFrame | None,
    form: Form,
    *,
    cycle: str = "",
    caps: Mapping[str, float] | None = None,
    weights: Mapping[str, float] | None = None,
    minimum: int = 3,
    confidence: float = 0.95,
    language: str = "en",
) -> Answers:
    """Ratings as they are in a table assessments, with what evidence allows; parameters as in :func:`read_answers`."""
    import pandas as pd

    limits = _merged("evidence_caps", CAPS, caps, low=1, high=SCORES)
    shares = _merged("role_weights", WEIGHTS, weights, low=0, high=np.inf)
    rows = assessments.copy()
    for name in ("intention", "note", "evidence_id"):
        rows[name] = rows.get(name)
    known = rows["standard_id"].isin(form.ids)
    unknown, rows = int((~known).sum()), rows[known].copy()
    rows["intention"] = pd.to_numeric(rows["intention"])
    # what nobody filed carries as little as none
    kinds = {} if evidence is None else evidence.set_index("evidence_id")["kind"].to_dict()
    rows["evidence"] = [kinds.get(one, "none") for one in rows["evidence_id"]]
    most = rows["evidence"].map(limits).where(~rows["rater_role"].isin(UNCAPPED), SCORES)
    rows["capped"] = np.minimum(rows["reality"].astype("float64"), most.astype("float64"))
    rows["number"] = rows.groupby(["cycle", "rater_role"])["rater_id"].transform(
        lambda ids: pd.factorize(ids, sort=True)[0] + 1
    )
    chosen = cycle or (max(rows["cycle"], key=_order) if len(rows) else "")
    reason = None if (rows["cycle"] == chosen).any() else NOBODY
    return Answers(form, chosen, rows.reset_index(drop=True), shares, minimum, confidence, language, unknown, reason)


def _no_rows() -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(columns=[*TEXT_COLUMNS, "number", "intention", "reality", "evidence", "capped"])


def _merged(
    name: str, base: Mapping[str, float], given: Mapping[str, float] | None, *, low: float, high: float
) -> dict[str, float]:
    problems = []
    for key, value in (given or {}).items():
        if key not in base:
            problems.append(Problem(f"{name}:", f"unknown word {key!r}", hint=did_you_mean(key, base)))
        elif isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            problems.append(Problem(f"{name}, {key}:", f"is {value!r}", f"a number from {low} to {high} is expected"))
    if problems:
        raise ParamError(problems)
    return {**base, **(given or {})}


def _order(label: str) -> tuple[str, str]:
    """Cycles by year, then by quarter or half."""
    return label[:4], label[-1]
