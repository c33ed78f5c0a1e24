"""What do customers write, and what do those write who are not content? Themes of comments, by score, with masked examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crmkit.analyses.satisfaction.labels import absent, band_names, bands, leading_item
from crmkit.analyses.satisfaction.survey import Item, Survey
from crmkit.core.errors import ModelError
from crmkit.core.language import in_a_row, mark
from crmkit.core.masking import MASK, mask_personal
from crmkit.core.results import Axis, Column, Finding, Quantity, Result, Text, estimates, not_assessed
from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries.answers import comments
from crmkit.models.basics.families import holm
from crmkit.models.basics.shares import newcombe, wilson
from crmkit.models.survey.themes import LEAST_PART, STABLE, Themes, find_themes, grams

if TYPE_CHECKING:
    import pandas as pd

# also where groups of any size may be shown; and of each word that names a theme
FEWEST_OF_A_THEME = 5
SHORTEST_QUOTE, LONGEST_QUOTE = 8, 200
TOO_ALIKE = 0.6
NO_COMMENTS = Text("nobody wrote anything that could be read")
SOLID, LOOSE = mark("holds"), mark("loose: other comments would give another theme")


@dataclass(frozen=True, eq=False)
class Comments:
    """What was written in some waves.

    Parameters
    ----------
    rows : DataFrame
        One row per comment, index 0..n-1: ``response_id, customer_id, wave, band`` and ``text``, in which nobody can be found.
    asked : DataFrame
        All responses of the same waves: ``response_id, band``.
    item : Item or None
        The question that makes the bands.
    found : Themes or None
    waves : tuple of str
    reason : Text or None
        Why there are no themes.
    fewest : int
        People who must have written about a theme for it to be shown.
    """

    rows: pd.DataFrame = field(repr=False)
    asked: pd.DataFrame = field(repr=False)
    item: Item | None
    found: Themes | None
    waves: tuple[str, ...]
    reason: Text | None = None
    fewest: int = FEWEST_OF_A_THEME

    @property
    def shown(self) -> list[int]:
        """Numbers of the themes that enough people wrote about."""
        if self.found is None:
            return []
        enough = [k for k in range(len(self.found.words)) if self.people(self.found.members[:, k]) >= self.fewest]
        return [k for k in enough if self.label(k)]

    def people(self, which: NDArray[np.bool_]) -> int:
        """How many different people wrote some of the comments; an answer without a name is a person of its own."""
        own = self.rows[which]
        return int(own["customer_id"].fillna(own["response_id"]).nunique())

    def label(self, theme: int) -> str:
        """A theme by the words that set it apart and that enough people use; data of the client, never translated."""
        words = () if self.found is None else self.found.words[theme]
        texts = self.rows["text"].str.casefold()
        used = [word for word in words if self.people(texts.str.contains(word, regex=False).to_numpy()) >= FEWEST_OF_A_THEME]
        return " · ".join(used)


def read_comments(past: Survey, *, waves: int = 4, themes: int = 0) -> Comments:
    """What did customers write in the last waves, and about what?

    Parameters
    ----------
    past : Survey
    waves : int
        How many waves are read, the one reported and those before it.
    themes : int
        How many themes to look for; 0: by the number of comments.

    Returns
    -------
    Comments
        Names, numbers, addresses and handles are covered before anything is read. Careless answers are left out where scores
        leave them out.
    """
    import pandas as pd

    here = past.waves.names.index(past.waves.reported) + 1 if past.waves.reported in past.waves.names else 0
    read = past.waves.names[max(0, here - max(1, waves)) : here]
    item = leading_item(past)
    empty = pd.DataFrame(columns=["response_id", "customer_id", "wave", "band"], dtype="object")
    if not past.usable or past.answers.surveys is None or not read:
        return Comments(empty.assign(text=[]), empty[["response_id", "band"]], item, None, read, past.reason or NO_COMMENTS)
    asked = pd.concat([past.at(wave) for wave in read], ignore_index=True)
    asked["band"] = None if item is None else bands(item, asked[item.id])
    written = comments(past.answers.surveys, as_of=past.as_of)[["response_id", "comment"]]
    written = written[written["comment"].str.strip() != ""]
    rows = asked[["response_id", "customer_id", "wave", "band"]].merge(written, on="response_id", how="inner")
    rows["text"] = mask_personal(rows.pop("comment").tolist(), names=_known(past, "name"), ids=_known(past, "customer_id"))
    try:
        found, reason = find_themes([text.replace(MASK, " ") for text in rows["text"]], themes=themes), None
    except ModelError as err:
        found, reason = None, err.text if len(rows) else NO_COMMENTS
    fewest = max(FEWEST_OF_A_THEME, past.min_cell)
    return Comments(rows, asked[["response_id", "band"]], item, found, read, reason, fewest)


def _known(past: Survey, column: str) -> list[str]:
    """What the client's customers are called, or their numbers."""
    customers = past.tables.get("customers")
    if customers is None or column not in customers.columns:
        return [str(one) for one in past.answers.responses["customer_id"].dropna().unique()] if column == "customer_id" else []
    return [str(one) for one in to_frame(customers.select(column).distinct())[column].dropna()]


def commenting(past: Survey, voices: Comments) -> Result:
    """Who writes at all, by score?

    Returns
    -------
    Result
        Interval dots: share of the answers with a comment, per band (Wilson). Table ``group, measure, value, low, high, n,
        unit, method``.
    """
    name, title = "satisfaction_commenting", Text("Who writes a comment?")
    if not past.usable or voices.item is None or voices.rows.empty:
        return not_assessed(name, title, NO_COMMENTS) if past.usable else absent(past, name, title)
    names = band_names(voices.item)
    n = voices.asked["band"].value_counts().reindex(names).fillna(0)
    wrote = voices.rows["band"].value_counts().reindex(names).fillna(0)
    if n.min() < past.min_cell:
        return not_assessed(name, title, Text("{n} {n:answer is|answers are} too few", {"n": Quantity(int(n.min()), "count")}))
    found = wilson(wrote, n, confidence=past.confidence)
    table = estimates(
        {
            "group": band,
            "measure": mark("Wrote a comment"),
            "value": found.value[at],
            "low": found.low[at],
            "high": found.high[at],
            "n": n[band],
            "unit": "share",
            "method": found.method,
        }
        for at, band in enumerate(names)
    )
    gap = newcombe(wrote[names[2]], n[names[2]], wrote[names[0]], n[names[0]], confidence=past.confidence)
    numbers: dict[str, Quantity | Text | str] = {
        "n": Quantity(len(voices.rows), "count"),
        "waves": Quantity(len(voices.waves), "count"),
        "low": Quantity(found.value[0], "share", found.low[0], found.high[0]),
        "high": Quantity(found.value[2], "share", found.low[2], found.high[2]),
    }
    if gap.low[0] > 0:
        text = Text(
            "{n} comments in {waves} waves. The least content write more often ({low}) than the most content ({high}): "
            "comments sound worse than the scores are.",
            numbers,
        )
    else:
        text = Text("{n} comments in {waves} waves: {low} of the least content write one, {high} of the most content.", numbers)
    return Result(
        name,
        "interval_dots",
        title,
        table,
        columns=(Column("group", "Answer", translate=True), Column("measure", "Measure", translate=True)),
        finding=Finding("satisfaction.commenting", "info", None, text, evidence=(name,)),
        note=Text("n: answers of each band in the waves read. Wilson intervals."),
        alt=Text("A dot with an interval per band of scores: the share of answers with a comment."),
        x=Axis("Answer", "text"),
        y=Axis("Wrote a comment", "share"),
    )


def theme_counts(past: Survey, voices: Comments) -> Result:
    """What do customers write about, and how often?

    Returns
    -------
    Result
        Table ``theme, n, value, low, high`` (share of all comments, Wilson), ``low_share`` (of the comments on the theme, those
        of the least content), ``stability`` (0 to 1), ``standing``; the most frequent first. Themes of fewer than
        ``privacy.min_cell`` people are left out.
    """
    name, title = "satisfaction_themes", Text("What customers write about")
    missing = nothing_to_show(past, voices, name, title)
    if missing is not None or voices.found is None:
        return missing or not_assessed(name, title, NO_COMMENTS)
    low = None if voices.item is None else band_names(voices.item)[0]
    table = _theme_table(voices, voices.found, low, past.confidence)
    total = len(voices.rows)
    columns = [Column("theme", "Theme"), Column("n", "Comments", "count"), Column("value", "Of all comments", "share")]
    columns += [Column("interval", "Interval", "share")]
    columns += [Column("low_share", "Of these, from the least content", "share")] if low else []
    columns += [Column("standing", "Basis", translate=True)]
    note = Text(
        "{n} comments of {waves}; {placed} belong to a theme, some to two. A theme is named by the words or characters that "
        "set it apart; themes of fewer than {least} people are not shown. Nonnegative factors of TF-IDF counts of characters; "
        "a theme holds when half of the comments give nearly the same one. Wilson intervals.",
        {
            "n": Quantity(total, "count"),
            "waves": in_a_row(voices.waves),
            "placed": Quantity(int((voices.found.parts >= LEAST_PART).any(axis=1).sum()), "count"),
            "least": Quantity(voices.fewest, "count"),
        },
    )
    first = table.iloc[0]
    text = Text(
        "Customers write most about “{theme}”: {share} of {n} comments.",
        {
            "theme": str(first["theme"]),
            "share": Quantity(first["value"], "share", first["low"], first["high"]),
            "n": Quantity(total, "count"),
        },
    )
    finding = Finding("satisfaction.themes", "info", None, text, evidence=(name,))
    return Result(name, "table", title, table, tuple(columns), finding=finding, note=note)


def _theme_table(voices: Comments, found: Themes, low: str | None, confidence: float) -> pd.DataFrame:
    """One row per theme shown; see :func:`theme_counts`."""
    import pandas as pd

    n = [int(found.members[:, k].sum()) for k in voices.shown]
    share = wilson(n, [len(voices.rows)] * len(n), confidence=confidence)
    is_low = (voices.rows["band"] == low).to_numpy(dtype=bool)
    table = pd.DataFrame(
        {
            "theme": [voices.label(k) for k in voices.shown],
            "n": n,
            "value": share.value,
            "low": share.low,
            "high": share.high,
            "low_share": [float(is_low[found.members[:, k]].mean()) for k in voices.shown],
            "stability": found.stability[voices.shown],
            "method": share.method,
        }
    )
    table["standing"] = np.where(table["stability"] >= STABLE, SOLID, LOOSE)
    table.attrs["confidence"] = confidence
    return table


def themes_by_score(past: Survey, voices: Comments) -> Result:
    """What do those write about who are not content, and not the others?

    Returns
    -------
    Result
        Heat grid: ``row`` (theme), ``column`` (band), ``value`` (share of the band's comments that are on the theme), ``low,
        high`` (Wilson), ``n`` (comments of the band), ``suppressed``. Beside it ``difference, difference_low,
        difference_high, p_value`` (least content less all others, Newcombe, Holm over the themes), equal in the rows of a
        theme.
    """
    name, title = "satisfaction_themes_by_score", Text("Themes by score")
    missing = nothing_to_show(past, voices, name, title)
    if missing is not None or voices.item is None or voices.found is None:
        return missing or not_assessed(name, title, NO_COMMENTS)
    names = band_names(voices.item)
    n = voices.rows["band"].value_counts().reindex(names).fillna(0).to_numpy(dtype=np.float64)
    if n[0] < past.min_cell or n[1:].sum() < past.min_cell:
        return not_assessed(name, title, Text("too few comments have a score to compare"))
    table = _by_band(past, voices, names, n)
    table.attrs["unit"] = "share"
    rows = table.drop_duplicates("row").sort_values("p_value", kind="stable")
    worse = rows[(rows["p_value"] < 1 - past.confidence) & (rows["difference"] > 0)]
    if worse.empty:
        text = Text("No theme is written about more by the least content than by all others, beyond chance.")
    else:
        top = worse.iloc[0]
        text = Text(
            "The least content write about “{theme}” more often than all others, by {gap} percentage points.",
            {
                "theme": str(top["row"]),
                "gap": Quantity(100 * top["difference"], "points", 100 * top["difference_low"], 100 * top["difference_high"]),
            },
        )
    severe = "info" if worse.empty else "warning"
    action = None if worse.empty else Text("Read these comments first, and look for the cause where it arises.")
    return Result(
        name,
        "heat_grid",
        title,
        table,
        columns=(Column("row", "Theme"), Column("column", "Answer", translate=True)),
        finding=Finding("satisfaction.themes_by_score", severe, None, text, evidence=(name,), action=action),  # type: ignore[arg-type]
        note=Text("Share of the comments of each band. Difference to all others: Newcombe interval, Holm over the themes."),
        alt=Text("A grid of themes and bands of scores: which share of the comments of a band is on a theme."),
        x=Axis("Answer", "text"),
        y=Axis("Theme", "text"),
    )


def _by_band(past: Survey, voices: Comments, names: Sequence[str], n: np.ndarray) -> pd.DataFrame:
    import pandas as pd

    assert voices.found is not None  # noqa: S101  the caller has looked
    band = voices.rows["band"].to_numpy(dtype=object)
    on = np.array([[(voices.found.members[:, k] & (band == one)).sum() for one in names] for k in voices.shown], dtype=float)
    gap = newcombe(on[:, 1:].sum(axis=1), n[1:].sum(), on[:, 0], n[0], confidence=past.confidence)
    adjusted = holm(gap.p_value)
    parts = []
    for at, theme in enumerate(voices.shown):
        share = wilson(on[at], n, confidence=past.confidence)
        parts.append(
            pd.DataFrame(
                {
                    "row": voices.label(theme),
                    "column": names,
                    "value": share.value,
                    "low": share.low,
                    "high": share.high,
                    "n": n,
                    "suppressed": n < past.min_cell,
                    "difference": gap.value[at],
                    "difference_low": gap.low[at],
                    "difference_high": gap.high[at],
                    "p_value": adjusted[at],
                    "method": share.method,
                }
            )
        )
    table = pd.concat(parts, ignore_index=True)
    table.loc[table["suppressed"], ["value", "low", "high"]] = np.nan
    return table


def nothing_to_show(past: Survey, voices: Comments, name: str, title: Text) -> Result | None:
    """What stands in place of an exhibit about themes; None where there are some to show."""
    if not past.usable:
        return absent(past, name, title)
    if voices.found is None:
        return not_assessed(name, title, voices.reason or NO_COMMENTS)
    if not voices.shown:
        return not_assessed(name, title, Text("no theme is written about by enough people to be shown"))
    return None


def quotes(past: Survey, voices: Comments, *, per_theme: int = 2) -> Result:
    """How do customers say it? Examples of each theme, in which nobody can be found.

    Parameters
    ----------
    past : Survey
    voices : Comments
    per_theme : int
        Most examples of a theme, 0 to 5; 0 shows none.

    Returns
    -------
    Result
        Table ``theme, band, quote``: the comments that belong most to a theme and are not alike. Themes of fewer
        than ``privacy.min_cell`` people have none.
    """
    import pandas as pd

    name, title = "satisfaction_quotes", Text("In their own words")
    if per_theme < 1:
        return not_assessed(name, title, Text("examples are switched off"))
    missing = nothing_to_show(past, voices, name, title)
    if missing is not None:
        return missing
    listed = [
        (voices.label(theme), voices.rows["band"].iloc[at], _short(voices.rows["text"].iloc[at]))
        for theme in voices.shown
        for at in _examples(voices, theme, per_theme)
    ]
    if not listed:
        return not_assessed(name, title, NO_COMMENTS)
    table = pd.DataFrame(listed, columns=["theme", "band", "quote"]).astype("object")
    table["band"] = table["band"].where(table["band"].notna(), "")
    columns = (Column("theme", "Theme"), Column("band", "Answer", translate=True), Column("quote", "Example"))
    note = Text(
        "Comments as they were written; {mask} stands for names, numbers, addresses and handles. Examples are those that "
        "belong most to their theme, not a sample.",
        {"mask": MASK},
    )
    return Result(name, "table", title, table, columns, note=note)


def _examples(voices: Comments, theme: int, most: int) -> list[int]:
    """Numbers of comments that belong most to a theme, without two that say the same."""
    if voices.found is None:
        return []
    part, texts = voices.found.parts[:, theme], voices.rows["text"].tolist()
    fits = [at for at in np.flatnonzero(voices.found.members[:, theme]) if len(texts[at].encode()) / 1.5 >= SHORTEST_QUOTE]
    fits = [at for at in fits if len(texts[at].replace(MASK, "")) * 2 > len(texts[at])]
    ranked = sorted(
        fits, key=lambda at: (-round(float(part[at]), 6), len(texts[at]) > LONGEST_QUOTE, -len(texts[at]), texts[at])
    )
    chosen: list[int] = []
    for at in ranked:
        own = set(grams(texts[at]))
        if len(chosen) < most and all(_jaccard(own, set(grams(texts[other]))) < TOO_ALIKE for other in chosen):
            chosen.append(int(at))
    return chosen


def _jaccard(one: set[str], other: set[str]) -> float:
    return len(one & other) / max(1, len(one | other))


def _short(text: str) -> str:
    folded = " ".join(text.split())
    return folded if len(folded) <= LONGEST_QUOTE else f"{folded[:LONGEST_QUOTE].rstrip()}…"
