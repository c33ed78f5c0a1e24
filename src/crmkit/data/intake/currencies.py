"""Which currency does a sign inside an amount mean? One, several that share it, or none that is known."""

from __future__ import annotations

import re

# ISO 4217, without metals, funds and test codes
LISTED = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNH
CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR
ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP
MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG
SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF
XCD XOF XPF YER ZAR ZMW ZWL
"""
DOLLARS = """
USD AUD CAD NZD SGD HKD TWD MXN ARS CLP COP BBD BMD BND BSD BZD DOP FJD GYD JMD KYD LRD NAD SBD SRD TTD UYU XCD
"""
CODES = tuple(LISTED.split())
SIGNS: dict[str, tuple[str, ...]] = {
    "$": tuple(DOLLARS.split()),
    "US$": ("USD",),
    "U$S": ("USD",),
    "A$": ("AUD",),
    "AU$": ("AUD",),
    "C$": ("CAD",),
    "CA$": ("CAD",),
    "CDN$": ("CAD",),
    "NZ$": ("NZD",),
    "S$": ("SGD",),
    "SG$": ("SGD",),
    "HK$": ("HKD",),
    "NT$": ("TWD",),
    "MX$": ("MXN",),
    "R$": ("BRL",),
    "€": ("EUR",),
    "£": ("GBP", "EGP", "GIP", "FKP", "SHP"),
    "GB£": ("GBP",),
    "¥": ("CNY", "JPY"),
    "CN¥": ("CNY",),
    "JP¥": ("JPY",),
    "RMB": ("CNY",),
    "元": ("CNY", "TWD", "HKD"),
    "人民币": ("CNY",),
    "圆": ("CNY", "TWD", "HKD"),
    "円": ("JPY",),
    "₩": ("KRW", "KPW"),
    "원": ("KRW",),
    "₹": ("INR",),
    "RS.": ("INR", "PKR", "LKR", "NPR", "MUR", "SCR"),
    "RS": ("INR", "PKR", "LKR", "NPR", "MUR", "SCR"),
    "₨": ("INR", "PKR", "LKR", "NPR", "MUR", "SCR"),
    "KR": ("SEK", "NOK", "DKK", "ISK"),
    "KR.": ("DKK", "SEK", "NOK", "ISK"),
    "FR.": ("CHF",),
    "FR": ("CHF",),
    "SFR.": ("CHF",),
    "ZŁ": ("PLN",),
    "KČ": ("CZK",),
    "FT": ("HUF",),
    "RM": ("MYR",),
    "RP": ("IDR",),
    "RP.": ("IDR",),
    "R": ("ZAR",),
    "TL": ("TRY",),
    "₺": ("TRY",),
    "₽": ("RUB",),
    "₴": ("UAH",),
    "₪": ("ILS",),
    "₫": ("VND",),
    "฿": ("THB",),
    "₱": ("PHP", "MXN"),
    "₦": ("NGN",),
    "৳": ("BDT",),
    "₸": ("KZT",),
    "₾": ("GEL",),
    "₡": ("CRC",),
    "₲": ("PYG",),
    "S/": ("PEN",),
    "S/.": ("PEN",),
}
_LONGEST_FIRST = "|".join(re.escape(sign) for sign in sorted(SIGNS, key=len, reverse=True))
SIGN = rf"(?i:{_LONGEST_FIRST}|\p{{Sc}})"
CODE = f"(?i:{'|'.join(CODES)})"


def currencies(token: str) -> tuple[str, ...]:
    """Which currencies can this be?

    Parameters
    ----------
    token : str
        A sign, an ISO code, or a sign and a code with a blank between them, in capital letters.

    Returns
    -------
    tuple of str
        ISO codes; none where the sign is unknown or the two do not go together.

    Examples
    --------
    >>> currencies("R$"), currencies("$ CAD"), currencies("€ USD"), currencies("¥")
    (('BRL',), ('CAD',), (), ('CNY', 'JPY'))
    """
    possible = [SIGNS.get(part, (part,) if part in CODES else ()) for part in token.split()]
    return tuple(code for code in possible[0] if all(code in other for other in possible[1:])) if possible else ()
