"""Can the form be trusted? Whether raters agree, who is too kind, and how they compare with others and with data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.analyses.audit.form.answers import ROLE_WORDS, Answers
from crmkit.analyses.audit.form.scores import data_scores
from crmkit.core.errors import ModelError
from crmkit.core.format import p_words
from crmkit.core.language import mark
from crmkit.core.results import Axis, Column, Finding, Quantity, Result, Text, estimates, not_assessed
from crmkit.models.audit import agreement as ag
from crmkit.models.basics.families import holm

if TYPE_CHECKING:
    import pandas as pd

RELIABLE, TENTATIVE = 0.8, 2 / 3
OVERALL = mark("All standards")
SURE, MAYBE, NOT = mark("reliable"), mark("tentative"), mark("not reliable")
ALPHA, ONE, MEAN = mark("alpha (ordinal)"), mark("one rater: ICC(2,1)"), mark("mean of raters: ICC(2,k)")
# who is compared with whom: (name, first role, second role or data); the first four are about the company judging itself
COMPARED: tuple[tuple[str, str, str], ...] = (
    (mark("Managers less third party"), "manager", "third_party"),
    (mark("Managers less data"), "manager", "data"),
    (mark("Staff less third party"), "staff", "third_party"),
    (mark("Staff less data"), "staff", "data"),
    (mark("Managers less staff"), "manager", "staff"),
    (mark("Managers less customers"), "manager", "customer"),
    (mark("Third party less data"), "third_party", "data"),
)
FEWEST_STANDARDS = 3
GAP_COLUMNS = ("group", "measure", "value", "low", "high", "n", "unit", "method", "p_value", "item")
TWO_WAY = mark("two-way random, absolute agreement")
BY_PAIRS = mark("bootstrap-t of standards")


def ratings_table(answers: Answers, *, roles: Sequence[str] = ()) -> tuple[np.ndarray, pd.DataFrame]:
    """Raters by standards, as rated (not capped), and who the raters are: ``rater_role, number``."""
    rows = answers.now
    rows = rows[rows["rater_role"].isin(roles)] if roles else rows
    wide = rows.pivot_table(
        index=["rater_role", "number"], columns="standard_id", values="reality", aggfunc="first", dropna=False
    )
    wide = wide.dropna(how="all").reindex(columns=list(answers.form.ids))
    return wide.to_numpy(dtype="float64"), wide.index.to_frame(index=False)


def agreement(answers: Answers) -> Result:
    """Do raters agree, over all and on each item?

    Returns
    -------
    Result
        Krippendorff's alpha (ordinal) over all standards with bootstrap interval and per item, and intraclass correlations of
        the raters who rated everything. Undefined where all ratings are equal: said, never 1.
    """
    title = Text("Do the raters agree?")
    if answers.reason is not None:
        return not_assessed("audit_agreement", title, answers.reason)
    table, who = ratings_table(answers)
    if len(who) < 2:
        return not_assessed("audit_agreement", title, Text("needs the ratings of two raters or more"))
    whole = ag.krippendorff_alpha(table, level="ordinal", confidence=answers.confidence)
    if whole.reason is not None:
        return not_assessed("audit_agreement", title, Text("alpha is not defined: {reason}", {"reason": whole.reason}))
    base = {"measure": ALPHA, "unit": "score", "method": mark("Krippendorff, bootstrap of standards")}
    rows: list[dict[str, Any]] = [
        base | {"group": OVERALL, "value": whole.value, "low": whole.low, "high": whole.high, "n": whole.ratings}
    ]
    items = [answers.form.item_of(one) for one in answers.form.ids]
    parts = ag.alpha_parts(table, [item.name(answers.language) for item in items], confidence=answers.confidence)
    base |= {"method": mark("Krippendorff, jackknife of raters")}
    rows += [base | {key: part[key] for key in ("group", "value", "low", "high", "n")} for part in parts.to_dict("records")]
    rows += _intraclass(table, answers)
    shown = estimates(rows)
    shown["verdict"] = [_verdict(value) for value in shown["value"]]
    shown["raters"], shown["reliable_from"], shown["tentative_from"] = whole.raters, RELIABLE, TENTATIVE
    columns = (
        Column("group", "Standards", translate=True),
        Column("measure", "Measure", translate=True),
        Column("value", "Value", "score"),
        Column("interval", "Interval", "score"),
        Column("verdict", "Verdict", translate=True),
        Column("n", "Ratings", "count"),
        Column("method", "Method", translate=True),
    )
    note = Text(
        "Customary limits: reliable from {reliable}, tentative from {tentative}. Alpha per item: disagreement within the item "
        "over that expected from all ratings.",
        {"reliable": Quantity(RELIABLE, "score"), "tentative": Quantity(TENTATIVE, "score")},
    )
    finding = _agreement_finding(whole)
    return Result("audit_agreement", "table", title, shown, columns=columns, finding=finding, note=note)


def rater_leniency(answers: Answers, *, least_points: float = 0.5) -> Result:
    """Who rates more kindly or more severely than the rest?

    Parameters
    ----------
    answers : Answers
    least_points : float
        Smaller differences are never flagged.

    Returns
    -------
    Result
        Dots: points above the middle rater, drawn towards 0 by how little was rated; raters are named by role and number.
    """
    title = Text("Who rates more kindly than the others?")
    if answers.reason is not None:
        return not_assessed("audit_leniency", title, answers.reason)
    table, who = ratings_table(answers, roles=("manager", "staff", "third_party"))
    try:
        found = ag.leniency(table, least_points=least_points, confidence=answers.confidence)
    except ModelError as err:
        return not_assessed("audit_leniency", title, err.text)
    found["role"] = [ROLE_WORDS[role] for role in who["rater_role"]]
    found["number"], found["least_points"] = who["number"], least_points
    found["p_text"] = [p_words(p) for p in found["p_value"]]
    found = found.sort_values("value", ascending=False, ignore_index=True)
    flagged = int(found["flagged"].sum())
    text = (
        Text(
            "{n} of {all} raters {n:stands|stand} significantly apart from the others.",
            {"n": Quantity(flagged, "count"), "all": Quantity(len(found), "count")},
        )
        if flagged
        else Text("No rater stands significantly apart from the others.")
    )
    columns = (
        Column("role", "Role", translate=True),
        Column("number", "Rater", "count"),
        Column("value", "Kinder than the middle", "points"),
        Column("interval", "Interval", "points"),
        Column("raw", "Not shrunk", "points"),
        Column("p_text", "p (Holm)"),
        Column("flagged", "Stands apart"),
        Column("n", "Ratings", "count"),
    )
    note = Text(
        "Points above the median rater on the same standards, shrunk by how few ratings there are. Flagged from {least} points "
        "on where the difference is sure.",
        {"least": Quantity(least_points, "points")},
    )
    finding = Finding(
        "audit.leniency",
        "warning" if flagged else "good",
        flagged == 0,
        text,
        evidence=("audit_leniency",),
        action=Text("Talk the scale through with who stands apart before the next cycle.") if flagged else None,
    )
    return Result("audit_leniency", "table", title, found, columns=columns, finding=finding, note=note)


def gap_table(answers: Answers, state: pd.DataFrame | None) -> pd.DataFrame:
    """How far are groups of raters, and the data, apart on the same standards?

    Parameters
    ----------
    answers : Answers
    state : pandas.DataFrame or None
        Indicators as assessed.

    Returns
    -------
    pandas.DataFrame
        One row per comparison that three or more standards allow, over all standards; then one per item, without interval:
        ``group`` (comparison), ``measure``, ``value, low, high`` (points), ``n`` (standards), ``unit, method, p_value``
        (two-sided, not yet corrected), ``item`` (id, empty over all).
    """
    import pandas as pd

    rows = answers.now
    means = rows.pivot_table(index="standard_id", columns="rater_role", values="reality", aggfunc="mean").reindex(
        list(answers.form.ids)
    )
    means["data"] = data_scores(answers, state)
    items = np.array([answers.form.item_of(one).id for one in answers.form.ids])
    found: list[dict[str, Any]] = []
    for name, first, second in COMPARED:
        if first not in means or second not in means or means[[first, second]].dropna().shape[0] < 3:
            continue
        both = means[[first, second]].to_numpy(dtype="float64")
        gap = ag.paired_difference(both[:, 0], both[:, 1], confidence=answers.confidence)
        base = {"group": name, "measure": mark("Difference"), "unit": "points"}
        found.append(
            base
            | {
                "value": gap.value,
                "low": gap.low,
                "high": gap.high,
                "n": gap.n,
                "p_value": gap.p_value,
                "method": BY_PAIRS,
                "item": "",
            }
        )
        for item in dict.fromkeys(items):
            own = both[items == item]
            own = own[~np.isnan(own).any(1)]
            if len(own):
                value = float((own[:, 0] - own[:, 1]).mean())
                found.append(base | {"value": value, "n": len(own), "item": item, "method": mark("mean, no interval")})
    return pd.DataFrame(found, columns=list(GAP_COLUMNS))


def gaps(answers: Answers, state: pd.DataFrame | None, *, gap_points: float = 0.75) -> Result:
    """Does the company see itself better than others do, and than the data show?

    Parameters
    ----------
    answers : Answers
    state : pandas.DataFrame or None
    gap_points : float
        From how many points on a gap matters.

    Returns
    -------
    Result
        Dots: mean difference per comparison with its interval; 0: both see the same.
    """
    title = Text("Self-assessment beside other eyes and data")
    if answers.reason is not None:
        return not_assessed("audit_gaps", title, answers.reason)
    table = gap_table(answers, state)
    whole = table[table["item"] == ""].reset_index(drop=True)
    if whole.empty:
        return not_assessed(
            "audit_gaps", title, Text("needs the ratings of a second role, or indicators of the same standards")
        )
    whole["p_value"] = holm(whole["p_value"].to_numpy(dtype="float64"))
    whole.attrs["reference"] = (0.0, Text("same view"))
    wide = whole[(whole["p_value"] < 1 - answers.confidence) & (whole["value"].abs() >= gap_points)]
    text = (
        Text(
            "Scores depend on who gives them: {name}, {gap} points. Read the form with this in mind.",
            {
                "name": Text(wide.iloc[0]["group"]),
                "gap": Quantity(wide.iloc[0]["value"], "points", wide.iloc[0]["low"], wide.iloc[0]["high"]),
            },
        )
        if len(wide)
        else Text(
            "No group of raters differs from another, or from the data, by {points} points or more.",
            {"points": Quantity(gap_points, "score")},
        )
    )
    finding = Finding("audit.gaps", "warning" if len(wide) else "good", not len(wide), text, evidence=("audit_gaps",))
    columns = (
        Column("group", "Comparison", translate=True),
        Column("value", "Difference", "points"),
        Column("interval", "Interval", "points"),
        Column("p_value", "p (Holm)", "p"),
        Column("n", "Standards", "count"),
        Column("method", "Method", translate=True),
    )
    note = Text("Mean difference over the same standards, scores as given; bootstrap-t intervals over standards.")
    alt = Text(
        "Dots: how far one group of raters is above another, or above the data, with intervals and a line at no difference."
    )
    return Result(
        "audit_gaps",
        "interval_dots",
        title,
        whole,
        columns=columns,
        finding=finding,
        note=note,
        alt=alt,
        x=Axis("Comparison"),
        y=Axis("Difference in points", "points"),
    )


def self_image(answers: Answers) -> Result:
    """How far above outside eyes do managers see each standard, in every cycle?

    Returns
    -------
    Result
        A row per standard that both have rated in the newest cycle, and one over all of them: ``standard, name``, the points by
        which managers rate above the others in each cycle, the oldest first (``gap0``, ``gap1``, ...), and ``low, high`` of the
        newest, over all standards. The others are a third party, else staff.
    """
    import pandas as pd

    name, title = "audit_self_image", Text("Managers less other eyes, by standard and cycle")
    if answers.reason is not None:
        return not_assessed(name, title, answers.reason)
    roles = set(answers.now["rater_role"])
    other = next((role for role in ("third_party", "staff") if role in roles), None)
    if "manager" not in roles or other is None:
        return not_assessed(name, title, Text("needs the ratings of managers, and of a third party or of staff"))
    parts = {cycle: _gap_by_standard(answers.of(cycle), other) for cycle in answers.cycles}
    wide = pd.DataFrame({f"gap{at}": part for at, part in enumerate(parts.values())}).reindex(list(answers.form.ids))
    newest = f"gap{len(parts) - 1}"
    wide = wide[wide[newest].notna()]
    if len(wide) < FEWEST_STANDARDS:
        few = {"n": Quantity(FEWEST_STANDARDS, "count")}
        return not_assessed(name, title, Text("needs {n} standards that both have rated", few))
    whole = ag.paired_difference(wide[newest].to_numpy(), np.zeros(len(wide)), confidence=answers.confidence)
    table = wide.rename_axis("standard").reset_index()
    named = {one.id: one.name(answers.language) for one in answers.form}
    table.insert(1, "name", table["standard"].map(named))
    mean: dict[str, Any] = {"standard": "", "name": OVERALL, "always": "", "low": whole.low, "high": whole.high}
    mean |= {str(gap): value for gap, value in wide.mean().items()}
    table["always"] = [str(bool(one)) for one in (table[[f"gap{at}" for at in range(len(parts))]] > 0).all(axis=1)]
    table = pd.concat([table.sort_values(newest, ascending=False), pd.DataFrame([mean])], ignore_index=True)
    columns = (
        Column("name", "Standard", translate=True),
        *(Column(f"gap{at}", cycle, "points") for at, cycle in enumerate(parts)),
    )
    note = Text(
        "Mean rating of managers less that of others ({other}), in points, as given. Over all standards the newest is {gap}.",
        {"other": Text(ROLE_WORDS[other]), "gap": Quantity(whole.value, "points", whole.low, whole.high)},
    )
    return Result(name, "table", title, table, columns=columns, finding=_image_finding(table, list(parts), newest), note=note)


def _gap_by_standard(rows: pd.DataFrame, other: str) -> pd.Series[float]:
    means = rows.pivot_table(index="standard_id", columns="rater_role", values="reality", aggfunc="mean")
    missing = [role for role in ("manager", other) if role not in means]
    gap: pd.Series[float] = means.iloc[:, 0] * np.nan if missing else means["manager"] - means[other]
    return gap


def _image_finding(table: pd.DataFrame, cycles: list[str], newest: str) -> Finding:
    own = table[table["standard"] != ""]
    always = int((own["always"] == "True").sum())
    first = own.iloc[0]
    numbers: dict[str, Quantity | Text | str] = {
        "n": Quantity(always, "count"),
        "all": Quantity(len(own), "count"),
        "cycles": Quantity(len(cycles), "count"),
        "name": str(first["name"]),
        "gap": Quantity(float(first[newest]), "points"),
    }
    evidence = ("audit_self_image",)
    if not always:
        text = Text("Managers rate none of {all} standards above other eyes in every cycle.", numbers)
        return Finding("audit.self_image", "info", None, text, evidence=evidence)
    text = Text(
        "In each of {cycles} cycles managers rate {n} of {all} standards above other eyes. Most, now: {name}, {gap} points.",
        numbers,
    )
    return Finding("audit.self_image", "info", None, text, evidence=evidence)


def _intraclass(table: np.ndarray, answers: Answers) -> list[dict[str, Any]]:
    """Reliability of one rater and of their mean, from those who rated every standard."""
    whole = table[~np.isnan(table).any(1)]
    try:
        found = ag.icc(whole.T, confidence=answers.confidence).set_index("form")
    except ModelError:
        return []
    names = {"ICC(2,1)": ONE, "ICC(2,k)": MEAN}
    return [
        {
            "group": OVERALL,
            "measure": measure,
            "value": found.loc[form, "value"],
            "low": found.loc[form, "low"],
            "high": found.loc[form, "high"],
            "n": whole.size,
            "unit": "score",
            "method": TWO_WAY,
        }
        for form, measure in names.items()
    ]


def _verdict(value: float) -> str:
    if np.isnan(value):
        return ""
    return SURE if value >= RELIABLE else MAYBE if value >= TENTATIVE else NOT


def _agreement_finding(whole: ag.Alpha) -> Finding:
    value = Quantity(whole.value, "score", whole.low, whole.high)
    numbers = {"alpha": value, "raters": Quantity(whole.raters, "count")}
    if whole.value >= RELIABLE:
        text = Text("{raters} raters agree: alpha is {alpha}.", numbers)
    elif whole.value >= TENTATIVE:
        text = Text("{raters} raters agree well enough for tentative conclusions: alpha is {alpha}.", numbers)
    else:
        text = Text("{raters} raters do not agree well enough to rely on the form: alpha is {alpha}.", numbers)
    good = whole.value >= TENTATIVE
    return Finding(
        "audit.agreement",
        "good" if whole.value >= RELIABLE else "info" if good else "warning",
        good,
        text,
        evidence=("audit_agreement",),
        criteria=Text("at least two thirds"),
        action=None if good else Text("Go through the anchors of the form with all raters, and ask for evidence."),
    )
