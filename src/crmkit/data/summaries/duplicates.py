"""Which records may be of one customer because something is written in both that no two customers share?

Addresses, numbers and names are folded inside the engine before they are compared: blanks, case, full-width letters and the
ways of writing one telephone number differ between systems. Han characters stand as they are: traditional and simplified ones
may be two names. Only operations that agree on every supported engine are used; every summary is ordered by its key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries.purchases import MONEY, with_amounts

if TYPE_CHECKING:
    import ibis
    import pandas as pd

# what is written in both, of one customer each
KEYS = ("email", "phone", "tax_id", "name_place")
FEWEST_DIGITS, MOST_DIGITS, FEWEST_OF_TAX_ID, FEWEST_OF_NAME = 7, 15, 6, 2
WIDE = "".join(chr(code) for code in range(0xFF01, 0xFF5F)) + "\u3000"
NARROW = "".join(chr(code) for code in range(0x21, 0x7F)) + " "
# signs that stand between the parts of a name, in both scripts
BETWEEN = r"[\s.,;:'’`\"“”·•・_/\\()（）【】\[\]&+-]+"
EMAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
PHONE = r"^[-+0-9 ()./]+$"
ALSO_BARE = {"86": "^861[0-9]{10}$", "1": "^1[2-9][0-9]{9}$"}
# ITU-T E.164, of the countries where most clients are
CALLING_CODES = {
    "1": "US CA", "7": "RU KZ", "20": "EG", "27": "ZA", "30": "GR", "31": "NL", "32": "BE", "33": "FR", "34": "ES", "36": "HU",
    "39": "IT", "40": "RO", "41": "CH", "43": "AT", "44": "GB", "45": "DK", "46": "SE", "47": "NO", "48": "PL", "49": "DE",
    "51": "PE", "52": "MX", "54": "AR", "55": "BR", "56": "CL", "57": "CO", "60": "MY", "61": "AU", "62": "ID", "63": "PH",
    "64": "NZ", "65": "SG", "66": "TH", "81": "JP", "82": "KR", "84": "VN", "86": "CN", "90": "TR", "91": "IN", "92": "PK",
    "234": "NG", "351": "PT", "353": "IE", "358": "FI", "380": "UA", "420": "CZ", "852": "HK", "853": "MO", "886": "TW",
    "966": "SA", "971": "AE", "972": "IL",
}  # fmt: skip


def shared_records(customers: ibis.Table, *, calling_code: str = "") -> pd.DataFrame:
    """Which records have an address, a number, or a name and place in common with another record?

    Parameters
    ----------
    customers : ibis.Table
        ``customer_id`` and, of ``email, phone, tax_id, name, city``, those that there are.
    calling_code : str
        Digits that a number of the client's own country begins with abroad, for example ``49``; empty: numbers with a code are
        compared with each other, and so are those without.

    Returns
    -------
    DataFrame
        ``customer_id`` and the keys ``email, phone, tax_id, name_place`` as folded, empty where the record gives none or the
        table has no such column; only records of which another has one of these too.

    Notes
    -----
    E-mail: small letters, without blanks; what is no address is no key. Telephone: digits without the ``0`` or the own code in
    front, foreign numbers with ``+`` and their code; fewer than 7 digits are no key. Tax id: letters and digits, at least 6.
    Name and place: small letters of normal width without signs and blanks.

    Examples
    --------
    >>> import ibis
    >>> rows = {"customer_id": ["1", "2", "3"], "email": ["A@x.org", "a@x.org ", None]}
    >>> rows["phone"] = ["+49 30 12345", None, "030-12345"]
    >>> shared_records(ibis.memtable(rows), calling_code="49")["phone"].tolist()
    ['3012345', None, '3012345']
    """
    import ibis

    keys = match_keys(customers, calling_code=calling_code)
    there = [name for name in KEYS if name in keys.columns]
    rows = keys.mutate(
        **{name: ibis.null("string") for name in KEYS if name not in there},
        **{f"{name}_records": keys.count().over(ibis.window(group_by=name)) for name in there},
    )
    shared = ibis.literal(False)
    for name in there:
        shared = shared | (rows[name].notnull() & (rows[f"{name}_records"] > 1))
    return to_frame(rows.filter(shared).select("customer_id", *KEYS).order_by("customer_id"))


def contact_records(customers: ibis.Table, *, calling_code: str = "") -> pd.DataFrame:
    """What of each record can be compared with another, where nothing need be equal?

    Parameters
    ----------
    customers, calling_code
        As for :func:`shared_records`.

    Returns
    -------
    DataFrame
        ``customer_id`` and of ``name, email, phone, tax_id, place, industry, size, region`` those that there are: address,
        number and tax id as folded, ``place`` the column ``city``, else ``region``, all others as they stand.
    """
    keys = match_keys(customers, calling_code=calling_code)
    has = set(customers.columns)
    place = next((name for name in ("city", "region") if name in has), "")
    kept = {name: customers[name] for name in ("name", "industry", "size") if name in has}
    kept |= {"place": customers[place]} if place else {}
    kept |= {"region": customers.region} if place == "city" and "region" in has else {}
    rows = customers.select(of=customers.customer_id, **kept)
    strong = [name for name in ("email", "phone", "tax_id") if name in keys.columns]
    joined = keys.select("customer_id", *strong).join(rows, keys.customer_id == rows.of)
    columns = [name for name in ("name", *strong, "place", "industry", "size", "region") if name in joined.columns]
    return to_frame(joined.select("customer_id", *columns).order_by("customer_id"))


def match_keys(customers: ibis.Table, *, calling_code: str = "") -> ibis.Table:
    """Each record's keys, folded; a column for each key that the table can give, empty where the record gives none.

    Parameters
    ----------
    customers, calling_code
        As for :func:`shared_records`.

    Returns
    -------
    ibis.Table
        ``customer_id`` and of ``email, phone, tax_id, name_place`` those whose columns there are.
    """
    has = set(customers.columns)
    keys: dict[str, Any] = {}
    if "email" in has:
        address = narrow(customers.email).lower().re_replace(r"\s+", "")
        keys["email"] = _where(address.re_search(EMAIL), address)
    if "phone" in has:
        number = folded_phone(customers.phone, calling_code=calling_code)
        keys["phone"] = _where(number.length() >= FEWEST_DIGITS, number)
    if "tax_id" in has:
        digits = narrow(customers.tax_id).lower().re_replace("[^0-9a-z]+", "")
        keys["tax_id"] = _where(digits.length() >= FEWEST_OF_TAX_ID, digits)
    if {"name", "city"} <= has:
        name, where = folded_name(customers.name), folded_name(customers.city)
        keys["name_place"] = _where((name.length() >= FEWEST_OF_NAME) & (where.length() > 0), name.concat("|", where))
    return customers.select("customer_id", **keys)


def narrow(text: Any) -> Any:
    """Full-width letters, digits and signs of Chinese and Japanese keyboards as the usual ones, as an expression."""
    return text.translate(WIDE, NARROW)


def folded_name(text: Any) -> Any:
    """A name in small letters of normal width, without the signs and blanks between its parts, as an expression."""
    return narrow(text).lower().re_replace(BETWEEN, "")


def folded_phone(text: Any, *, calling_code: str = "") -> Any:
    """The digits of a telephone number as an expression: of the own country without code and leading 0, of others with ``+``.

    ``+`` or ``00`` introduces a code; the ``(0)`` behind one is nobody's to dial. Chinese mobile and North American numbers are
    also written with the code alone, 13 digits from 861 and 11 from 1.
    """
    import ibis

    signs = narrow(text).re_replace(r"[^0-9+(]+", "").re_replace(r"\(0", "").re_replace(r"\(", "")
    abroad = signs.re_search(r"^(\+|00)[1-9]")
    digits = signs.re_replace(r"^(\+|00)", "").re_replace(r"[^0-9]+", "")
    home = signs.re_replace(r"[^0-9]+", "").re_replace("^0+", "")
    if not calling_code:
        return ibis.ifelse(abroad, ibis.literal("+").concat(digits), home)
    own = digits.substr(len(calling_code)).re_replace("^0+", "")
    if calling_code in ALSO_BARE:
        home = ibis.ifelse(home.re_search(ALSO_BARE[calling_code]), home.substr(len(calling_code)), home)
    other = ibis.ifelse(digits.startswith(calling_code), own, ibis.literal("+").concat(digits))
    return ibis.ifelse(abroad, other, home)


def calling_code(timezone: str) -> str:
    """What numbers of the client's own country begin with abroad, by the client's time zone; empty where that is not known.

    Examples
    --------
    >>> calling_code("Asia/Shanghai"), calling_code("Europe/Berlin"), calling_code("UTC")
    ('86', '49', '')
    """
    from babel.core import get_global

    territory = get_global("zone_territories").get(timezone, "")
    return next((code for code, countries in CALLING_CODES.items() if territory in countries.split()), "")


def spending(transactions: ibis.Table, customers: ibis.Table) -> pd.DataFrame:
    """How much has each of these records bought, less returns?

    Parameters
    ----------
    transactions : ibis.Table
    customers : ibis.Table
        With ``customer_id``; who is asked for.

    Returns
    -------
    DataFrame
        ``customer_id, orders, amount``; records that bought nothing are absent.
    """
    import ibis

    rows = with_amounts(transactions).semi_join(customers, "customer_id")
    back = rows.is_return.fill_null(False) if "is_return" in rows.columns else ibis.literal(False)
    amount = rows.amount.cast(MONEY)
    # a return is written with or without its sign
    rows = rows.mutate(back=back, net=ibis.ifelse(back, -amount.abs(), amount))
    counted = rows.group_by("customer_id").agg(orders=rows.count(where=~rows.back), amount=rows.net.sum().cast("float64"))
    return to_frame(counted.order_by("customer_id"))


def _where(condition: Any, value: Any) -> Any:
    import ibis

    return ibis.ifelse(condition, value, ibis.null("string"))
