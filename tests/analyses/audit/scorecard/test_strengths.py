"""Strengths are as sure as weaknesses, and stand beside them."""

import numpy as np

from crmkit.analyses.audit import load_catalogue, strengths
from crmkit.analyses.audit.assess import better, worse
from crmkit.analyses.audit.sampling import Located, Share
from crmkit.core.language import Locale, say
from scorecards import NAN, finding, indicator

BOOK = load_catalogue()
BAD = [finding("slow", "P-RESP").lead, finding("complex", "P-HAND").lead]


def test_the_surest_come_first_on_both_sides(work_of):
    rows = [
        indicator("P-RESP", 0.4, 1, p=1e-6),
        indicator("P-HAND", 2.0, 2, p=0.03),
        indicator("P-CSAT", 0.9, 5, p=1.0, better=0.02),
        indicator("D-DUP", 0.001, 5, p=1.0, better=1e-9),
        indicator("P-CHAN", 4.0, 5, p=NAN, better=NAN),
    ]
    result = strengths(work_of(*rows, checks=BAD))
    table = result.table
    assert table["strength_indicator"].tolist() == ["D-DUP", "P-CSAT", "P-CHAN"]
    assert table["strength_sure"].tolist() == ["sure", "by the estimate", "by the estimate"]  # 0.02, corrected for four tests
    assert table["weakness_indicator"].dropna().tolist() == ["P-RESP", "P-HAND"]
    assert table["weakness_sure"].tolist() == ["sure", "by the estimate", ""]
    assert say(result.finding.text, Locale()) == (
        "1 strength is sure, first: Duplicate records. 1 weakness is sure, first: First response within the agreed time."
    )
    assert table["strength_words"].iloc[0].startswith("0.10% (0.10% to 0.10%)")
    assert "n = 100; target" in table["strength_words"].iloc[0]


def test_a_side_without_anything_sure_says_so(work_of):
    fine = indicator("D-DUP", 0.001, 5, p=1.0, better=1e-9)
    said = {
        "No weakness is sure.": [fine],
        "No strength is sure.": [indicator("P-RESP", 0.4, 1, p=1e-6)],
        "Neither a strength nor a weakness is sure.": [indicator("P-CSAT", 0.8, 4, p=0.6)],
    }
    for words, rows in said.items():
        assert words in say(strengths(work_of(*rows, checks=BAD)).finding.text, Locale())
    assert not strengths(work_of()).assessed


def test_better_and_worse_are_the_two_sides_of_one_sample():
    up, down, near = BOOK["P-RESP"], BOOK["D-DUP"], BOOK["I-INV"]
    assert near.direction == "range"
    for value in (-1.0, 0.0, 0.5):
        sample = Located(value, 0.4, 30)
        assert np.isclose(better(sample, 0.2, up), 1 - worse(sample, 0.2, up))
        assert np.isclose(better(sample, 0.2, down), worse(sample, 0.2, up))
    assert better(None, 0.2, up) != better(None, 0.2, up)
    assert better(Share(99, 100), 0.5, up) < 1e-9 < 1 - 1e-9 < better(Share(1, 100), 0.5, up)
    # near the target within what still scores 4, and surely so only where the sample is narrow
    assert better(Located(100.0, 1.0, 50), 100.0, near) < 0.001
    assert better(Located(100.0, 100.0, 50), 100.0, near) > 0.4
    assert better(Located(300.0, 1.0, 50), 100.0, near) > 0.999
