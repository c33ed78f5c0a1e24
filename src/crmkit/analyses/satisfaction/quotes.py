"""How do customers say it? Examples of each theme, in which nobody can be found."""

from __future__ import annotations

import numpy as np

from crmkit.analyses.satisfaction.read import Survey
from crmkit.analyses.satisfaction.verbatims import NO_COMMENTS, Comments, nothing_to_show
from crmkit.core.masking import MASK
from crmkit.core.results import Column, Result, Text, not_assessed
from crmkit.models.survey.themes import grams

SHORTEST_QUOTE, LONGEST_QUOTE = 8, 200
TOO_ALIKE = 0.6


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
        Table ``theme, band, quote``: the comments that belong most to a theme and are not alike. Themes of fewer than five
        people have none.
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
