"""Which way do cases take, and where do they wait?"""

import numpy as np
import pandas as pd
import pytest

from crmkit.core.errors import ModelError
from crmkit.models.service.flow import conformance, edges, event_log, handoffs, steps_table, variants

PLACES = {"receive": 1, "analyse": 2, "solve": 3, "confirm": 4}
TIED = [
    # case, minute, step, number of the event; rows are mixed, times tie
    ("B", 0, "receive", 5),
    ("A", 10, "solve", 3),
    ("A", 0, "analyse", 2),
    ("A", 0, "receive", 1),
    ("A", 10, "solve", 4),
    ("A", 15, "confirm", 9),
    ("B", 0, "ask", 6),
    ("B", 30, "receive", 7),
    ("B", 30, "solve", 8),
]

NAMES = ["analyse", "ask", "confirm", "escalate", "receive", "solve"]
# a row for each step before, a column for each step after
FOUND = [
    [19, 6, 11, 8, 7, 19],
    [15, 5, 6, 7, 7, 8],
    [8, 23, 17, 17, 2, 4],
    [6, 11, 10, 7, 10, 3],
    [10, 3, 10, 5, 5, 14],
    [6, 9, 21, 12, 3, 6],
]
PM4PY = {(a, b): n for a, row in zip(NAMES, FOUND, strict=True) for b, n in zip(NAMES, row, strict=True) if n}


def log_of(rows=TIED, *, declared=True, numbers=True):
    table = pd.DataFrame(rows, columns=["case", "minute", "step", "number"])
    place = table["step"].map(PLACES) if declared else None
    return event_log(
        table["case"], table["minute"] * 60, table["step"], place=place, number=table["number"] if numbers else None
    )


def counts(log):
    return {(row["before"], row["after"]): row["n"] for row in edges(log).to_dict("records")}


def test_events_at_the_same_moment_stand_in_the_declared_order():
    # A: receive analyse solve solve confirm; B: receive ask receive solve: what has no place comes after what has one
    assert counts(log_of()) == {
        ("receive", "analyse"): 1,
        ("analyse", "solve"): 1,
        ("solve", "solve"): 1,
        ("solve", "confirm"): 1,
        ("receive", "ask"): 1,
        ("ask", "receive"): 1,
        ("receive", "solve"): 1,
    }


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_rows_changes_nothing(seed):
    mixed = pd.DataFrame(TIED).sample(frac=1, random_state=seed)
    rows = [tuple(row) for row in mixed.itertuples(index=False)]
    pd.testing.assert_frame_equal(edges(log_of(rows)), edges(log_of()))
    assert variants(log_of(rows))["steps"].tolist() == variants(log_of())["steps"].tolist()


def test_without_places_the_number_of_the_event_decides():
    assert [way for way in variants(log_of(declared=False))["steps"] if len(way) == 5] == [
        ("receive", "analyse", "solve", "solve", "confirm")
    ]


def test_counts_equal_those_of_pm4py_on_a_log_whose_times_tie():
    """pm4py 2.7.23.11, discover_dfg(frame), rows given in our order: its answer hangs on the order of rows at equal times."""
    rng = np.random.default_rng(0)
    n = 400
    steps = np.array(["receive", "analyse", "solve", "confirm", "ask", "escalate"])
    rows = list(
        zip(
            rng.integers(0, 60, n).tolist(),
            rng.integers(0, 6, n).tolist(),
            steps[rng.integers(0, 6, n)].tolist(),
            range(n),
            strict=True,
        )
    )
    assert counts(log_of(rows)) == PM4PY


def test_waiting_is_summed_and_has_quantiles():
    rows = [("A", 0, "a", 0), ("A", 10, "b", 0), ("B", 0, "a", 0), ("B", 30, "b", 0), ("C", 0, "a", 0), ("C", 50, "b", 0)]
    (row,) = edges(log_of(rows, declared=False, numbers=False)).to_dict("records")
    assert (row["n"], row["cases"], row["median"], row["seconds"]) == (3, 3, 1800, 5400)
    assert row["p90"] == pytest.approx(np.quantile([600, 1800, 3000], 0.9))
    assert (row["share"], row["low"], row["high"]) == (1, 1, 1)


def test_the_interval_of_a_share_covers_the_truth():
    """1,000 logs of 120 cases; the first edge takes a third of the time; 99 % binomial band around 95 %."""
    hits = 0
    for seed in range(1000):
        rng = np.random.default_rng(seed)
        gaps = rng.exponential(1.0, (120, 2)) * [1000, 2000] * rng.gamma(2.0, 0.5, (120, 1))
        moments = np.c_[np.zeros(120), gaps.cumsum(1)].round().astype(np.int64)
        found = edges(event_log(np.repeat(np.arange(120), 3), moments.ravel(), ["a", "b", "c"] * 120))
        row = found[found["before"] == "a"].iloc[0]
        hits += bool(row["low"] <= 1 / 3 <= row["high"])
    assert 931 <= hits <= 967


def test_hand_offs_are_changes_of_team():
    log = event_log(
        [1, 1, 1, 1, 2, 2], [0, 60, 180, 240, 0, 60], list("abcdab"), team=["desk", "desk", "lab", "desk", "desk", None]
    )
    assert handoffs(log).to_dict("records") == [
        {"before": "desk", "after": "lab", "n": 1, "median": 120.0, "seconds": 120},
        {"before": "lab", "after": "desk", "n": 1, "median": 60.0, "seconds": 60},
    ]


def test_steps_have_repeats_loops_and_waiting():
    rows = [("A", 0, "a", 0), ("A", 90, "b", 0), ("A", 100, "b", 0), ("A", 200, "a", 0), ("B", 0, "a", 0), ("B", 61, "z", 0)]
    found = steps_table(log_of(rows, numbers=False)).set_index("step")
    assert found["n"].to_dict() == {"a": 3, "b": 2, "z": 1}
    assert found["repeats"].to_dict() == {"a": 1, "b": 1, "z": 0}
    assert found["in_a_row"].to_dict() == {"a": 0, "b": 1, "z": 0}
    assert found["idle"].to_dict() == {"a": 6000, "b": 5400, "z": 3660}
    assert found["share"].sum() == pytest.approx(1)


def test_conformance_says_what_departs():
    rows = [
        *[("ok", n, step, 0) for n, step in enumerate(PLACES)],
        *[("twice", n, step, 0) for n, step in enumerate(["receive", "receive", "analyse", "solve", "confirm"])],
        *[("short", n, step, 0) for n, step in enumerate(["receive", "analyse"])],
        *[("foreign", n, step, 0) for n, step in enumerate(["receive", "analyse", "ask", "solve", "confirm"])],
        *[("back", n, step, 0) for n, step in enumerate(["receive", "analyse", "receive", "analyse", "solve", "confirm"])],
        *[("late", n, step, 0) for n, step in enumerate(["analyse", "solve", "confirm"])],
    ]
    found = conformance(log_of(rows), 4)
    assert found["conforms"].tolist() == [True, True, False, False, False, False]
    assert found["foreign"].tolist() == [0, 0, 0, 1, 0, 0]
    assert found["back"].tolist() == [0, 0, 0, 0, 1, 0]
    assert found["skipped"].tolist() == [0, 0, 2, 0, 0, 1]
    assert found["events"].tolist() == [4, 5, 2, 5, 6, 3]


def test_nothing_and_one_event():
    empty = event_log([], np.array([], dtype="M8[s]"), [])
    assert (empty.cases, len(edges(empty)), len(variants(empty)), len(conformance(empty, 4)), len(handoffs(empty))) == (0,) * 5
    one = event_log(["A"], [5], ["receive"], place=[1])
    assert (len(edges(one)), variants(one)["cases"].tolist()) == (0, [1])
    assert steps_table(one)["idle"].tolist() == [0]


@pytest.mark.parametrize(
    ("case", "moment", "step", "said"),
    [
        (["A", None], [1, 2], ["x", "y"], "row 2 has no case"),
        (["A", "B"], [1, 2], [None, "y"], "row 1 has no step"),
        (["A", "B"], np.array(["2025-01-01", "NaT"], "M8[s]"), ["x", "y"], "row 2 has no moment"),
        (["A", "B"], [1], ["x", "y"], "different lengths"),
    ],
)
def test_events_that_cannot_be_are_refused(case, moment, step, said):
    with pytest.raises(ModelError, match=said):
        event_log(case, moment, step)
