"""How long did somebody wait in business hours? Against calendars that were worked out by hand."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.core.errors import ParamError
from crmkit.models.service.hours import worked_seconds, working_clock

OFFICE = {"mon-thu": "09:00-12:00, 13:00-17:00", "fri": "09:00-15:00"}


def hours(clock, start, end):
    return (worked_seconds(clock, np.array([start], "M8[s]"), np.array([end], "M8[s]"))[0] / 3600).item()


@pytest.fixture
def easter():
    """Germany, April 2025: Good Friday the 18th and Easter Monday the 21st are free."""
    free = [dt.date(2025, 4, 18), dt.date(2025, 4, 21)]
    return working_clock(OFFICE, holidays=free, first=dt.date(2025, 4, 1), last=dt.date(2025, 4, 30), zone="Europe/Berlin")


@pytest.mark.parametrize(
    ("start", "end", "worked"),
    [
        ("2025-04-14T10:00", "2025-04-14T11:30", 1.5),
        ("2025-04-14T11:30", "2025-04-14T13:30", 1.0),  # lunch
        ("2025-04-14T18:00", "2025-04-15T08:00", 0.0),  # a night
        ("2025-04-11T14:00", "2025-04-14T10:00", 2.0),  # a weekend; Friday ends at three
        ("2025-04-17T16:00", "2025-04-22T10:00", 2.0),  # both holidays and the weekend
        ("2025-04-01T00:00", "2025-05-01T00:00", 18 * 7 - 7 + 4 * 6 - 6),  # 18 days Mon to Thu, one of them free; 4 Fridays
        ("2025-04-15T10:00", "2025-04-14T10:00", -7.0),
    ],
)
def test_office_hours_with_holidays(easter, start, end, worked):
    assert hours(easter, start, end) == worked


@pytest.mark.parametrize(
    ("start", "end", "worked"),
    [
        ("2025-03-28T21:00", "2025-03-29T07:00", 8.0),
        ("2025-03-29T21:00", "2025-03-30T07:00", 7.0),  # clocks go from two to three
        ("2025-10-25T21:00", "2025-10-26T07:00", 9.0),  # clocks go from three back to two
        ("2025-03-29T23:00", "2025-03-30T03:30", 3.5),
        ("2025-12-23T21:00", "2025-12-26T23:00", 9.0),  # no shift begins on the 24th and 25th; that of the 23rd ends as ever
    ],
)
def test_a_night_shift_over_the_change_of_clocks(start, end, worked):
    free = [dt.date(2025, 12, 24), dt.date(2025, 12, 25)]
    days = {"first": dt.date(2025, 1, 1), "last": dt.date(2025, 12, 31)}
    clock = working_clock({"mon-sun": "22:00-06:00"}, holidays=free, zone="Europe/Berlin", **days)
    assert hours(clock, start, end) == worked


def test_days_may_run_over_the_weekend_and_spans_overlap():
    days = {"first": dt.date(2025, 3, 1), "last": dt.date(2025, 3, 31)}
    clock = working_clock({"sat-mon": "10:00-14:00, 12:00-16:00", "wed": "00:00-24:00"}, **days)
    assert hours(clock, "2025-03-07T00:00", "2025-03-14T00:00") == 3 * 6 + 24


def test_a_shift_that_began_before_the_first_day_counts_from_it():
    clock = working_clock({"mon": "22:00-06:00"}, first=dt.date(2025, 3, 4), last=dt.date(2025, 3, 5))
    assert hours(clock, "2025-03-03T00:00", "2025-03-06T00:00") == 6


@pytest.mark.parametrize(
    ("weekly", "said"),
    [
        ({}, "have no hour from 2025-03-01 to 2025-03-31"),
        ({"mon": ""}, "have no hour"),
        ({"monday": "09:00-17:00"}, "unknown day 'monday'"),
        ({"mon": "9 to 5"}, "'9 to 5' are no hours"),
        ({"mon": "09:00-25:00"}, "'09:00-25:00' are no hours"),
    ],
)
def test_a_calendar_without_working_hours_is_refused(weekly, said):
    with pytest.raises(ParamError, match=said):
        working_clock(weekly, first=dt.date(2025, 3, 1), last=dt.date(2025, 3, 31))


def test_a_month_of_holidays_has_no_hour():
    free = [dt.date(2025, 2, day) for day in range(1, 29)]
    with pytest.raises(ParamError, match="have no hour"):
        working_clock(OFFICE, holidays=free, first=dt.date(2025, 2, 1), last=dt.date(2025, 2, 28))


MINUTES = st.integers(0, 29 * 24 * 60)


@settings(max_examples=60, deadline=None)
@given(first=MINUTES, second=MINUTES, third=MINUTES)
def test_what_is_worked_adds_up_and_is_never_more_than_what_passes(first, second, third):
    clock = working_clock(OFFICE, first=dt.date(2025, 3, 1), last=dt.date(2025, 3, 31))
    a, b, c = (np.datetime64("2025-03-01T00:00", "m") + minutes for minutes in sorted((first, second, third)))
    parts = hours(clock, a, b), hours(clock, b, c)
    assert sum(parts) == pytest.approx(hours(clock, a, c))
    assert 0 <= parts[0] <= (b - a) / np.timedelta64(60, "m")
