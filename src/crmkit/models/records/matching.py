"""Which other records may be of one customer, although nothing that no two customers share says so, and how likely is that?

The model of Fellegi and Sunter, fitted by splink without examples: how often do fields of two records of one customer agree,
and how often those of two customers? Needs the extra ``dedupe``. What comes out are suggestions for a person to look at.

Names are folded before they are compared. DuckDB's distances count bytes, of which a Han character has three, so Latin names
are compared by Jaro and Winkler's measure, others by the characters that they have in common.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crmkit.core.errors import ModelError
from crmkit.models.records.groups import MOST_SHARING, STRONG, linked

if TYPE_CHECKING:
    import pandas as pd

EXTRA = "splink"
INSTALL = "probable duplicates need the package splink; install it with: pip install 'crmkit[dedupe]'"
FIELDS = ("name", "email", "phone", "tax_id", "place")
# what two records of one name and place may share besides
BESIDE = ("industry", "size", "region")
# more likely than not
LEAST = 0.5
# pairs of records of which agreement by chance is estimated
PAIRS, SEED = 2e6, 1
FEWEST_RECORDS = 50
# what a folded name is taken apart into
PARTS = ("initials", "words", "characters")
# what a company may leave out of its name
FORMS = (
    " ab ag and as asa bv co company corp corporation gmbh inc incorporated kg limited llc llp ltd mbh nv oy oyj plc pte pty sa"
    " sarl sas sl spa srl the u und "
)
FORMS_ZH = ("股份有限公司", "有限责任公司", "有限公司", "集团公司", "集团", "公司")
HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff]")
WORDS = re.compile(r"[^\W_]+")
NEAR_NAMES = 0.92


def is_installed() -> bool:
    """Whether probable duplicates can be looked for."""
    return find_spec(EXTRA) is not None


def suggestions(
    records: pd.DataFrame,
    *,
    least: float = LEAST,
    most: int = MOST_SHARING,
    beside: Sequence[str] = BESIDE,
    connection: Any = None,
) -> pd.DataFrame:
    """Which pairs of records may be of one customer?

    Parameters
    ----------
    records : DataFrame
        ``customer_id`` (one row each) and of ``name, email, phone, tax_id, place`` and ``beside`` those that there are;
        addresses and numbers already folded, empty where a record gives none.
    least : float
        Smallest probability of a pair that is suggested, 0 to 1.
    most : int
        An address or a number that more records share names nobody, and is taken for empty.
    beside : sequence of str
        Columns that support a name and place.
    connection : duckdb.DuckDBPyConnection or None
        An engine of its own to work in; None: one is made.

    Returns
    -------
    DataFrame
        ``first, second, probability, agree, near, differ``, most likely first; ``first`` is the smaller id. The last three name
        the fields that are equal, nearly equal, and different; what is empty in one of the records stands in none of them.

    Raises
    ------
    ModelError
        When splink is not installed, or there are fewer than 50 records, too few to learn from.

    Notes
    -----
    Only pairs of one address, number, tax id, or name and place are looked at. A name and place alone suggest no pair whose
    addresses or numbers differ; and where they belong to several customers with addresses or numbers of their own, a
    record that has nothing but this name and place is suggested for none of them.

    References
    ----------
    Fellegi & Sunter (1969), doi:10.1080/01621459.1969.10501049. Linacre et al. (2022), doi:10.23889/ijpds.v7i3.1794.
    Jaro (1989), doi:10.1080/01621459.1989.10478785.
    """
    import pandas as pd

    if not is_installed():
        raise ModelError(INSTALL)
    if len(records) < FEWEST_RECORDS:
        raise ModelError(f"{len(records)} records are too few to look for probable duplicates; {FEWEST_RECORDS} are needed")
    fields = [name for name in FIELDS if name in records and records[name].notna().any()]
    others = [name for name in beside if name in records and 1 < records[name].nunique() < len(records) / 2]
    if not ({"email", "phone", "tax_id"} & {*fields} or {"name", "place"} <= {*fields}):
        return pd.DataFrame({name: [] for name in ("first", "second", "probability", "agree", "near", "differ")})
    rows = folded(records[["customer_id", *fields, *others]], most=most)
    pairs = _scored(rows, fields=fields, others=others, least=least, connection=connection)
    pairs = pairs[_is_clear(rows, pairs, [name for name in STRONG if name in fields])]
    levels = {name: pairs[f"gamma_{name}"].to_numpy() for name in (*fields, *others)}
    first, second = pairs["customer_id_l"].to_numpy(), pairs["customer_id_r"].to_numpy()
    swapped = first > second
    found = pd.DataFrame({"first": np.where(swapped, second, first), "second": np.where(swapped, first, second)})
    found["probability"] = pairs["match_probability"].to_numpy()
    tops = {name: MOST_LEVELS.get(name, 1) for name in levels}
    for column, holds in (
        ("agree", {name: level == tops[name] for name, level in levels.items()}),
        ("near", {name: (level > 0) & (level < tops[name]) for name, level in levels.items()}),
        ("differ", {name: level == 0 for name, level in levels.items()}),
    ):
        found[column] = [tuple(name for name in holds if holds[name][at]) for at in range(len(found))]
    return found.sort_values(["probability", "first", "second"], ascending=[False, True, True], ignore_index=True)


def folded(records: pd.DataFrame, *, most: int = MOST_SHARING) -> pd.DataFrame:
    """Records as they are compared: names folded and taken apart, what names nobody left empty.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = folded(pd.DataFrame({"customer_id": ["1", "2"], "name": ["Beck, Jürgen", "上海华盛科技有限公司"]}))
    >>> rows[["name", "words"]].to_numpy().tolist()
    [['beck jurgen', ['beck', 'jurgen']], ['上海华盛科技', []]]
    """
    import pandas as pd

    # whatever order the records come in, the same pairs are sampled
    rows = records.sort_values("customer_id", ignore_index=True)
    for name in STRONG:
        if name in rows:
            rows[name] = rows[name].where(rows.groupby(name)[name].transform("size") <= most)
    if "place" in rows:
        rows["place"] = rows["place"].map(_folded_place, na_action="ignore")
    if "name" in rows:
        told = {one: _folded_name(one) for one in rows["name"].dropna().unique()}
        nobody: tuple[str | None, str, list[str], list[str]] = (None, "", [], [])
        parts = [told.get(one, nobody) for one in rows["name"]]
        for place, column in enumerate(("name", *PARTS)):
            rows[column] = pd.Series([part[place] for part in parts], index=rows.index, dtype=object)
    made: pd.DataFrame = rows.astype(object).where(rows.notna(), None)  # type: ignore[call-overload]
    return made


def _folded_name(name: str) -> tuple[str | None, str, list[str], list[str]]:
    """A name in small letters of normal width without accents and legal form; initials and words of it, or its characters."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    if HAN.search(plain):
        joined = "".join(WORDS.findall(plain))
        form = next((one for one in FORMS_ZH if joined.endswith(one)), "")
        joined = joined.removesuffix(form) or joined
        return joined or None, "", [], sorted(set(joined))
    bare = "".join(one for one in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(one)).replace("ß", "ss")
    words = WORDS.findall(bare)
    words = sorted([word for word in words if f" {word} " not in FORMS] or words)
    return " ".join(words) or None, "".join(word[0] for word in words), words, []


def _folded_place(place: str) -> str | None:
    bare = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", place).casefold())
    joined = "".join(WORDS.findall("".join(one for one in bare if not unicodedata.combining(one))))
    return joined.removesuffix("市") or None


# levels of each comparison, of which the highest is equality
MOST_LEVELS = {"name": 3, "email": 2, "phone": 2}
NEAR_NAME = f"""CASE WHEN initials_l <> '' AND initials_r <> '' THEN jaro_winkler_similarity(name_l, name_r) >= {NEAR_NAMES}
 WHEN initials_l <> '' OR initials_r <> '' THEN false
 ELSE len(list_intersect(characters_l, characters_r)) >= greatest(2, greatest(len(characters_l), len(characters_r)) - 1) END"""
# words of the same initials, some of them equal; or one name is a part of the other
SHORT_NAME = """CASE WHEN initials_l = initials_r THEN list_has_any(words_l, words_r)
 WHEN length(name_l) = length(name_r) THEN false
 WHEN least(length(name_l), length(name_r)) < CASE WHEN initials_l <> '' THEN 4 ELSE 2 END THEN false
 ELSE contains(name_l, name_r) OR contains(name_r, name_l) END"""
# one slip of the pen leaves the beginning or the end as it was, which is asked first because it costs less
NEAR_EMAIL = """CASE WHEN split_part(email_l, '@', 1) = split_part(email_r, '@', 1) THEN true
 WHEN left(email_l, 4) <> left(email_r, 4) AND right(email_l, 16) <> right(email_r, 16) THEN false
 ELSE damerau_levenshtein(email_l, email_r) <= 1 END"""
NEAR_PHONE = """CASE WHEN left(phone_l, 4) <> left(phone_r, 4) AND right(phone_l, 4) <> right(phone_r, 4) THEN false
 ELSE damerau_levenshtein(phone_l, phone_r) <= 1 END"""


def _comparisons(fields: Sequence[str], others: Sequence[str]) -> list[Any]:
    import splink.comparison_level_library as levels
    import splink.comparison_library as comparisons

    def exact(name: str) -> Any:
        return levels.ExactMatchLevel(name, term_frequency_adjustments=name in ("name", "place", *others))

    between = {"name": (NEAR_NAME, SHORT_NAME), "email": (NEAR_EMAIL,), "phone": (NEAR_PHONE,)}
    return [
        comparisons.CustomComparison(
            output_column_name=name,
            comparison_levels=[
                levels.NullLevel(name),
                exact(name),
                *(levels.CustomLevel(sql, label_for_charts="near") for sql in between.get(name, ())),
                levels.ElseLevel(),
            ],
        )
        for name in (*fields, *others)
    ]


def _scored(
    rows: pd.DataFrame, *, fields: Sequence[str], others: Sequence[str], least: float, connection: Any = None
) -> pd.DataFrame:
    """Every pair that may be one, with its probability and the level of each comparison."""
    import logging

    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    rules: list[tuple[str, ...]] = [(name,) for name in fields if name in STRONG]
    rules += [("name", "place")] if {"name", "place"} <= {*fields} else []
    api = DuckDBAPI(connection if connection is not None else ":memory:")
    settings = SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="customer_id",
        comparisons=_comparisons(fields, others),
        blocking_rules_to_generate_predictions=[block_on(*rule) for rule in rules],
    )
    logger = logging.getLogger("splink")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        linker = Linker(api.register(rows), settings, log_level=None)
        train = linker.training
        train.estimate_probability_two_random_records_match([block_on(*rule) for rule in rules], recall=0.9)
        train.estimate_u_using_random_sampling(max_pairs=PAIRS, seed=SEED)
        for rule in rules:
            train.estimate_parameters_using_expectation_maximisation(block_on(*rule), estimate_without_term_frequencies=True)
        found = linker.inference.predict(threshold_match_probability=least, warning_mode="never")
        frame: pd.DataFrame = found.as_pandas_dataframe()
    finally:
        logger.setLevel(before)
    return frame.sort_values(["customer_id_l", "customer_id_r"], ignore_index=True)


def _is_clear(rows: pd.DataFrame, pairs: pd.DataFrame, strong: Sequence[str]) -> NDArray[np.bool_]:
    """Whether a pair rests on a strong key, or on a name and place that mean one customer only, as far as can be told."""
    import pandas as pd

    sure, differing = np.zeros(len(pairs), dtype=bool), np.zeros(len(pairs), dtype=bool)
    for name in strong:
        sure |= pairs[f"gamma_{name}"].to_numpy() > 0
        differing |= pairs[f"gamma_{name}"].to_numpy() == 0
    if sure.all():
        return sure
    at = pd.Series(np.arange(len(rows)), index=rows["customer_id"])
    first, second = at[pairs["customer_id_l"]].to_numpy(), at[pairs["customer_id_r"]].to_numpy()
    one = linked(len(rows), np.column_stack([first, second])[sure])
    held = rows.assign(one=one, of=rows.groupby(["name", "place"], dropna=True).ngroup())
    held = held[held["of"] >= 0]
    several = held.groupby("of")["one"].nunique()
    apart = [held[held[name].notna()].groupby("of")["one"].nunique() for name in strong]
    contradicted = pd.concat(apart, axis=1).max(axis=1).gt(1) if apart else pd.Series(dtype=bool)
    unclear = several.index[(several > 2) & contradicted.reindex(several.index, fill_value=False)]
    of = held["of"].reindex(range(len(rows)), fill_value=-1)
    return np.asarray(sure | ~(differing | of.iloc[first].isin(unclear).to_numpy()))
