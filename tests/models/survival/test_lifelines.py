"""What a page shows comes from lifelines, and equals the kit's own paths to 1e-8; where lifelines differs is known."""

import numpy as np
import pandas as pd
import pytest

from crmkit.core.errors import ModelError
from crmkit.models.survival import Start, cox_fitter, fit_cox, kaplan_meier
from crmkit.models.survival.regression import cox

EQUAL = 1e-8


def stratified(n=1500, seed=4):
    """Whole days, so that leavers tie; many enter late, some on a day on which others leave."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"use": rng.normal(size=n), "month to month": rng.random(n) < 0.5, "duration": rng.normal(size=n)})
    stratum = rng.choice(["a", "b", "c"], n)
    rate = np.exp(0.5 * table["use"] - 0.4 * table["month to month"]) * np.where(stratum == "a", 0.05, 0.02)
    entry = np.floor(rng.exponential(10, n)) * (rng.random(n) < 0.6)
    time = entry + np.ceil(rng.exponential(1 / rate))
    until = entry + rng.integers(5, 40, n)
    return np.minimum(time, until), time <= until, table.astype("float64"), entry, stratum


def same(a, b):
    assert a.coefficients == pytest.approx(b.coefficients, rel=EQUAL, abs=EQUAL)
    assert a.standard_errors == pytest.approx(b.standard_errors, rel=EQUAL)
    assert a.log_likelihood == pytest.approx(b.log_likelihood, rel=EQUAL)


def test_a_cox_model_with_strata_late_entries_and_ties_is_the_same():
    time, left, table, entry, stratum = stratified()
    shown = fit_cox(time, left, table, entry=entry, strata=stratum)
    assert shown.engine == "lifelines"
    same(shown, fit_cox(time, left, table, entry=entry, strata=stratum, engine="rows"))


def test_the_object_itself_holds_the_same_numbers_under_the_names_given():
    time, left, table, entry, stratum = stratified()
    own = fit_cox(time, left, table, entry=entry, strata=stratum, engine="rows")
    fitted = cox_fitter(time, left, table, entry=entry, strata=stratum)
    assert list(fitted.params_.index) == list(table.columns)  # one of them is called as lifelines' own column would be
    assert fitted.params_.to_numpy() == pytest.approx(own.coefficients, rel=EQUAL, abs=EQUAL)
    assert fitted.standard_errors_.to_numpy() == pytest.approx(own.standard_errors, rel=EQUAL)
    assert fitted.log_likelihood_ == pytest.approx(own.log_likelihood, rel=EQUAL)


def test_begun_at_what_is_known_the_object_is_the_same_down_to_its_tests():
    time, left, table, entry, stratum = stratified()
    own = fit_cox(time, left, table, entry=entry, strata=stratum, engine="rows")
    known = Start(own.coefficients, own.log_likelihood_null)
    far, near = (cox_fitter(time, left, table, entry=entry, strata=stratum, start=start) for start in (None, known))
    assert near.params_.to_numpy() == pytest.approx(far.params_.to_numpy(), rel=EQUAL, abs=EQUAL)
    pd.testing.assert_frame_equal(near.summary, far.summary, check_exact=False, rtol=1e-6)
    one, other = (fitter.log_likelihood_ratio_test() for fitter in (near, far))
    assert one.test_statistic == pytest.approx(other.test_statistic, rel=EQUAL)
    assert one.test_statistic == pytest.approx(2 * (own.log_likelihood - own.log_likelihood_null), rel=EQUAL)


def test_beyond_its_size_and_where_it_fails_the_own_path_is_taken(monkeypatch):
    time, left, table, entry, _ = stratified(400)
    monkeypatch.setattr(cox, "LIFELINES_ROWS", 399)
    assert fit_cox(time, left, table, entry=entry).engine != "lifelines"
    monkeypatch.setattr(cox, "LIFELINES_ROWS", 400)
    assert fit_cox(time, left, table, entry=entry).engine == "lifelines"
    looks = 400 * len(np.unique(time[left]))
    monkeypatch.setattr(cox, "LIFELINES_LOOKS", looks - 1)
    assert fit_cox(time, left, table, entry=entry).engine != "lifelines"
    assert fit_cox(time, left, table).engine == "lifelines"  # without late entries it looks once
    monkeypatch.setattr(cox, "LIFELINES_LOOKS", looks)
    assert fit_cox(time, left, table, entry=entry).engine == "lifelines"

    def fails(*_):
        raise ModelError("Cox model: lifelines finds no maximum; delta contains nan")

    monkeypatch.setattr(cox, "fit_lifelines", fails)
    assert fit_cox(time, left, table, entry=entry).engine == "rows"
    with pytest.raises(ModelError, match="delta contains nan"):
        fit_cox(time, left, table, entry=entry, engine="lifelines")


@pytest.mark.parametrize("late", [False, True])
def test_curves_and_their_limits_are_the_same(late):
    time, left, _, entry, group = stratified()
    given = {"group": group, "entry": entry if late else None, "confidence": 0.9}
    shown, own = (kaplan_meier(time, left, **given, engine=engine) for engine in ("lifelines", "counts"))
    pd.testing.assert_frame_equal(shown, own, check_exact=False, rtol=EQUAL, atol=0)
    assert shown["low"].notna().sum() > 50


@pytest.mark.parametrize("engine", ["lifelines", "counts"])
def test_who_enters_on_the_day_of_a_leaver_is_at_risk_only_after_it(engine):
    time, left, entry = [2.0, 4.0, 5.0], [1, 1, 0], [0.0, 0.0, 2.0]
    assert kaplan_meier(time, left, entry=entry, engine=engine)["value"].tolist() == pytest.approx([1, 1 / 2, 1 / 4, 1 / 4])


@pytest.mark.parametrize("engine", ["lifelines", "counts"])
def test_who_leaves_on_the_first_day_counts(engine):
    assert kaplan_meier([0, 0, 1, 2], [1, 0, 1, 1], engine=engine)["value"].tolist() == pytest.approx([3 / 4, 3 / 8, 0])


def test_where_nobody_is_left_for_a_while_the_counts_are_taken():
    time, left, entry = np.array([1.0, 2.0, 8.0, 9.0]), np.array([1, 0, 1, 1]), np.array([0.0, 0.0, 5.0, 5.0])
    pd.testing.assert_frame_equal(
        kaplan_meier(time, left, entry=entry), kaplan_meier(time, left, entry=entry, engine="counts"), check_exact=True
    )


def test_what_lifelines_cannot_draw_is_refused():
    with pytest.raises(ModelError, match="takes no copies, weights or clusters and log-log intervals only"):
        kaplan_meier([1, 2], [1, 1], copies=[1, 2], engine="lifelines")
    with pytest.raises(ModelError, match="takes no copies, weights or clusters and log-log intervals only"):
        kaplan_meier([1, 2], [1, 1], interval="log", engine="lifelines")
