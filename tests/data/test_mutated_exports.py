"""Exports changed in hundreds of ways: each is read right, or refused with its row; rows add up; never a traceback.

A change that goes wrong can be made again from its number: ``PYTHONPATH=tests python -m exports NUMBER``.
"""

from decimal import Decimal
from functools import cache

import pytest

from crmkit.data.sources.engine import THREADS_VARIABLE
from exports.draw import Case, build, draw, kinds, sample
from exports.judge import judge
from exports.kinds_values import NUMBERS

FEW, BATCHES = 200, 20
MANY, BATCH = 10_000, 100


@cache
def few() -> list[Case]:
    return sample()


def wrong(cases, folder):
    """What is wrong in any of these, each with the number that makes it again."""
    found = []
    for at, case in enumerate(cases):
        home = folder / str(at)
        home.mkdir()
        found += [f"{case}: {each}" for each in judge(case.export, home)]
    return found


def test_there_are_many_kinds_and_the_sample_has_them_all():
    cases = few()
    assert len(kinds()) >= 250
    assert {kind.name for case in cases for kind in case.kinds} == {kind.name for kind in kinds()}
    assert len(cases) <= FEW


@pytest.mark.parametrize("batch", range(BATCHES))
def test_a_sample_that_has_every_kind(batch, tmp_path, monkeypatch):
    # a dozen rows give a second thread nothing to do
    monkeypatch.setenv(THREADS_VARIABLE, "1")
    assert wrong(few()[batch::BATCHES], tmp_path) == []


@pytest.mark.parametrize(
    "names",
    [("row: twice in every column", "file: Big 5, declared"), ("amount: ¥ of Japan", "file: Shift JIS, declared")],
)
def test_kinds_that_meet_in_one_cell(names, tmp_path):
    every = {kind.name: kind for kind in kinds()}
    cases = [build(tuple(every[name] for name in names), number) for number in range(3)]
    assert all(cases)
    assert wrong(cases, tmp_path) == []


def test_a_small_exponent_has_a_digit_in_any_case():
    assert [NUMBERS["small exponent"](Decimal(text)) for text in ("5.73", "1050")] == ["5.730000e0", "1.050000e3"]


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, MANY, BATCH))
def test_ten_thousand_exports(first, tmp_path):
    assert wrong((draw(number) for number in range(first, first + BATCH)), tmp_path) == []
