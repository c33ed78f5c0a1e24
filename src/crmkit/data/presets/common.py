"""What do all tables of a client share: language, currency, time zone, the last day that counts?"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crmkit.core.dates import parse_iso
from crmkit.core.errors import ParamError
from crmkit.core.language import CHINESE
from crmkit.core.results import Text
from crmkit.data.intake.phrases import boolean
from crmkit.data.intake.words import word_of
from crmkit.data.presets.chosen import choose_rows
from crmkit.data.presets.draft import Draft, find_currencies, read_values
from crmkit.data.presets.questions import Answers
from crmkit.data.presets.sight import newest_day
from crmkit.data.sources.engine import query
from crmkit.data.summaries.spells import COHORT, LAST_PERIOD, too_many_for_a_month

KANA = re.compile("[\u3040-\u30ff]")


@dataclass(frozen=True)
class Common:
    """What all tables of a client share, with the reason of each where there is one to give."""

    name: str
    language: str
    currency: str
    currency_said: Text
    timezone: str
    timezone_said: Text | None
    as_of: str
    newest: dt.date | None
    source: str
    params: Mapping[str, Mapping[str, str]]


def language_of(headers: Sequence[str]) -> str:
    """Chinese where a third of the headers are, and none is Japanese."""
    if any(KANA.search(header) for header in headers):
        return "en"
    return "zh" if sum(bool(CHINESE.search(header)) for header in headers) > len(headers) / 3 else "en"


def common_keys(con: Any, drafts: Sequence[Draft], *, name: str, source: str, answers: Answers, today: dt.date) -> Common:
    """What all tables share, and then what each says of its values."""
    chinese = language_of([seen.header for draft in drafts for seen in draft.sight.columns]) == "zh"
    # a Chinese system says so too where it writes names of its own fields
    chinese = chinese or {draft.preset.language for draft in drafts} == {"zh"}
    for draft in drafts:
        find_currencies(con, draft)
    currency, said = _currency(drafts, chinese=chinese, answers=answers)
    params: dict[str, dict[str, str]] = {}
    for draft in drafts:
        read_values(con, draft, answers=answers, currency=currency)
        choose_rows(con, draft, answers=answers)
        _one_currency(draft, currency, answers=answers)
        if draft.table == "subscriptions" and "tenure" in draft.at and "started_at" not in draft.at:
            params["customer"] = {"sampling": _sampling(con, draft, answers=answers)}
    zone, zone_said = "Asia/Shanghai" if chinese else "UTC", None
    if any(draft.zoned for draft in drafts):
        zone_said = Text("times with an offset are taken to it before the day is cut")
        zone = answers.choose("timezone", Text("in which time zone do the client's days begin?"), zone, fits=_is_zone)
    newest = _newest(con, drafts, today=today)
    as_of = _as_of(drafts, newest, answers=answers, today=today)
    return Common(name, answers.language, currency, said, zone, zone_said, as_of, newest, source, params)


def _sampling(con: Any, draft: Draft, *, answers: Answers) -> str:
    """Which leavers a table of tenure holds; a month's alone where nobody says, unless they are too many for a month."""
    month, left = draft.seen("tenure"), draft.seen("churned")
    gone = f"coalesce({boolean(f'CAST({left.name} AS VARCHAR)')}, false)"
    ((share, months),) = query(
        con,
        f"SELECT avg(CASE WHEN {gone} THEN 1 ELSE 0 END), avg(TRY_CAST({word_of(month.name)} AS DOUBLE)) FILTER (NOT {gone})"
        f" FROM {draft.sight.raw.relation}",
    )
    safe = COHORT if too_many_for_a_month(share or 0.0, months or 0.0, times=1) else LAST_PERIOD
    text = Text(
        "which customers who left are in the file: all who ever left (cohort), or those of the last month alone (last_period)?"
    )
    return answers.choose("sampling", text, safe, (COHORT, LAST_PERIOD))


def _currency(drafts: Sequence[Draft], *, chinese: bool, answers: Answers) -> tuple[str, Text]:
    totals: dict[str, int] = {}
    for draft in drafts:
        for code, n in draft.currencies.items():
            totals[code] = totals.get(code, 0) + n
    listed = sorted(totals, key=lambda code: -totals[code])
    if len(listed) == 1:
        return listed[0], Text("the only one in the files")
    if listed:
        codes = ", ".join(f"{code} ({totals[code]:,})" for code in listed)
        text = Text("which is the client's own of {codes}?", {"codes": codes})
        return answers.choose("currency", text, listed[0], tuple(listed)), Text("the one that stands most often")
    money = [draft for draft in drafts if any(draft.contract.columns[ours].kind == "money" for ours in draft.at)]
    if not money:
        return "CNY" if chinese else "EUR", Text("no amounts in these files")
    text = Text("in which currency are the amounts (ISO code)?")
    given = answers.choose("currency", text, "CNY" if chinese else "EUR", fits=_is_code)
    asked = answers.ask is not None
    return given, Text("the files do not say it; asked" if asked else "the files do not say it; taken without asking")


def _one_currency(draft: Draft, currency: str, *, answers: Answers) -> None:
    """Amounts of another currency cannot be added up without rates, which only a person knows."""
    others = {code: n for code, n in draft.currencies.items() if code != currency}
    if "currency" not in draft.at or not others:
        return
    seen = draft.seen("currency")
    listed = ", ".join(f"{code} ({n:,})" for code, n in others.items())
    numbers = {"codes": listed, "currency": currency}
    text = Text("are rows in {codes} left out? Else write rates of this table, what one unit is worth in {currency}", numbers)
    if answers.yes(f"{draft.label}, {seen.header}", text, safe=True):
        own = [word for word, _ in seen.words if word.upper() == currency]
        draft.settings.setdefault("only", {})[seen.header] = own
        without = Text("without {codes}", numbers)
        before = draft.comments.get("only")
        draft.comments["only"] = Text("{before}; {without}", {"before": before, "without": without}) if before else without


def _is_zone(answer: str) -> bool:
    from zoneinfo import available_timezones

    return answer in available_timezones()


def _is_code(answer: str) -> bool:
    return len(answer) == 3 and answer.isascii() and answer.isalpha() and answer.isupper()


def _newest(con: Any, drafts: Sequence[Draft], *, today: dt.date) -> dt.date | None:
    days = []
    for draft in drafts:
        if not draft.contract.tells_span:
            continue
        for ours in (draft.contract.event, draft.contract.event_else, *draft.contract.known):
            if ours in draft.at:
                yesterday = today - dt.timedelta(days=1)
                day = newest_day(con, draft.sight, draft.seen(ours), dayfirst=draft.dayfirst, until=yesterday)
                days += [day] if day else []
                ahead = newest_day(con, draft.sight, draft.seen(ours), dayfirst=draft.dayfirst, until=dt.date.max)
                if day is None and ahead is not None:
                    text = Text(
                        "{header}: every day lies in the future, up to {day}; they are no days on which something happened",
                        {"header": repr(draft.seen(ours).header), "day": ahead.isoformat()},
                    )
                    draft.notes.append(text)
    return max(days, default=None)


def _as_of(drafts: Sequence[Draft], newest: dt.date | None, *, answers: Answers, today: dt.date) -> str:
    """The last day that counts; months of tenure and files without a day need it, everything else tells its own."""
    if newest is None or any("tenure" in draft.at for draft in drafts):
        changed = max(path.stat().st_mtime for draft in drafts for path in draft.sight.on_disk)
        day = min(dt.datetime.fromtimestamp(changed).date(), today)
        text = Text("on which day were the files exported (YYYY-MM-DD)? They were last changed on the day offered")
        return answers.choose("as_of", text, day.isoformat(), fits=lambda answer: _is_day(answer, today))
    text = Text(
        "last day that counts, YYYY-MM-DD; empty: the last day on which anything happened (now {day})", {"day": str(newest)}
    )
    return answers.choose("as_of", text, "", fits=lambda answer: not answer or _is_day(answer, today))


def _is_day(answer: str, today: dt.date) -> bool:
    try:
        return parse_iso(answer, where="as_of") <= today
    except ParamError:
        return False
