"""Which period does a label name, and when does it begin? Quarters, half years, months and years, however they are written.

``Q4 2025``, ``2025-Q4`` and ``2025年第四季度`` are all ``2025Q4``; half years are ``2025H2``, months ``2025-10``,
years ``2025``.
"""

from __future__ import annotations

from typing import Any

# how a label may be written, after blanks are out, and what it becomes
FORMS = (
    (r"(\d{4})[-/.]?Q([1-4])", r"\1Q\2"),
    (r"Q([1-4])[-/.]?(\d{4})", r"\2Q\1"),
    (r"(\d{4})年?第?([1-4])季度?", r"\1Q\2"),
    (r"(\d{4})[-/.]?H([12])", r"\1H\2"),
    (r"H([12])[-/.]?(\d{4})", r"\2H\1"),
    (r"(\d{4})年?([12])半年", r"\1H\2"),
    (r"(\d{4})年?(?:度|全年)?", r"\1"),
    (r"(\d{4})[-/.年](0[1-9]|1[0-2])月?", r"\1-\2"),
    (r"(\d{4})[-/.年]([1-9])月?", r"\1-0\2"),
)


def cycle_label(x: str) -> str:
    """The SQL of a label in its one form, out of that of one without blanks; nothing where it names no period."""
    cases = " ".join(
        f"WHEN regexp_full_match({x}, '{form}') THEN regexp_replace({x}, '^{form}$', '{label}')" for form, label in FORMS
    )
    return f"CASE {cases} END"


def cycle_start(label: Any) -> Any:
    """The first day of a period.

    Parameters
    ----------
    label : ibis.expr.types.StringColumn

    Returns
    -------
    ibis.expr.types.DateColumn
    """
    import ibis

    sort = label.substr(4, 1)
    month = ibis.cases(
        (sort == "Q", 3 * label.right(1).cast("int64") - 2),
        (sort == "H", 6 * label.right(1).cast("int64") - 5),
        (sort == "-", label.right(2).cast("int64")),
        else_=1,
    )
    return ibis.date(label.left(4).cast("int64"), month, 1)


def cycle_start_in(label: str) -> str:
    """The same in the engine's own words; ``label`` is the SQL of the text."""
    sort = f"substr({label}, 5, 1)"
    cases = " ".join(
        f"WHEN '{sign}' THEN {month.format(number=f'CAST(right({label}, {digits}) AS BIGINT)')}"
        for sign, digits, month in (("Q", 1, "3 * {number} - 2"), ("H", 1, "6 * {number} - 5"), ("-", 2, "{number}"))
    )
    return f"make_date(CAST(left({label}, 4) AS BIGINT), CASE {sort} {cases} ELSE 1 END, 1)"
