"""Indicators of staff, worked out by hand."""

import pytest

from crmkit.analyses.audit.indicators.estimate import NO_COLUMN, NO_TABLE, TOO_FEW


@pytest.fixture
def staff(frame):
    rows = [
        ("s1", "2024-01-01", None),
        ("s2", "2024-01-01", None),
        ("s3", "2024-01-01", "2025-06-01"),
        ("s4", "2025-12-10", None),
        ("s5", None, None),
    ]
    return frame("staff_id joined_at left_at", *rows)


@pytest.fixture
def training(frame):
    return frame(
        "staff_id course taken_at score_before score_after",
        ("s1", "x", "2025-02-01", 50, 60),
        ("s2", "x", "2024-12-31", 0, 100),  # longer ago than a year
        ("s3", "x", "2025-02-01", 60, 66),
        ("s4", "x", "2025-12-15", 70, 84),
        ("s4", "y", "2025-12-16", 70, 84),
        ("s5", "x", "2025-03-01", None, 90),
    )


def test_staff_trained(measure, make_past, staff, training):
    # of s1, s2, s4 and s5 all but s2
    found = measure("I-TRAINCOV", make_past({"staff": staff, "training": training}))
    assert (found.value, found.n) == (3 / 4, 4)
    assert measure("I-TRAINCOV", make_past({"training": training})).reason == NO_TABLE


def test_gain_by_training(measure, make_past, training):
    # gains of s1, s3 and s4: 10, 6 and 14; scores before 50, 60 and 70, standard deviation 10
    found = measure("I-TRAING", make_past({"training": training}))
    assert (found.value, found.n, found.n_missing) == (pytest.approx(1.0), 3, 1)
    error = (16 / (3 * 100) + 1 / (2 * 2)) ** 0.5
    assert found.high == pytest.approx(1 + 4.302653 * error, rel=1e-6)
    assert measure("I-TRAING", make_past({"training": training.drop(columns="score_before")})).reason == NO_COLUMN
    two = measure("I-TRAING", make_past({"training": training[training["staff_id"].isin(["s1", "s3"])]}))
    assert (two.reason, two.n) == (TOO_FEW, 2)


def test_engagement(measure, make_past, frame):
    rows = [("2025Q3", "engagement", 4), ("2025Q3", "engagement", 3), ("2025Q3", "engagement", 5), ("2025Q3", "trust", 4)]
    found = measure(
        "P-ENG", make_past({"staff_survey": frame("wave item_id score", *rows, *[("2025Q1", "engagement", 1)] * 5)})
    )
    assert (found.value, found.n) == (4.0, 3)
    # variance 1/2 of four answers by three people
    assert found.high == 5.0
    assert found.sampling.error == pytest.approx((0.5 * 3 / 2 / 3) ** 0.5)
