"""How fast and how well are customers served? On companies whose answer can be counted."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from analyses.service.conftest import DAY, PROCESS, events, tickets
from crmkit.analyses import service
from crmkit.analyses.service.read import RESOLUTION, RESPONSE
from crmkit.core.errors import DataError, ParamError
from crmkit.models.survival.curves.curves import kaplan_meier, median_survival

SHOWN = (
    service.waits,
    service.closed_only,
    service.by_group,
    service.cells,
    service.channels,
    service.in_time,
    service.flow,
    service.backlog,
    service.hours_of_day,
    service.staffing,
    service.outcomes,
    service.complaints,
    service.process_map,
    service.bottlenecks,
    service.conformance,
    service.ways,
    service.handed,
    service.teams,
    service.agents,
    service.contacts,
    service.funnel,
)


def row_of(result, measure):
    return result.table[result.table["measure"] == measure].iloc[0]


@pytest.fixture
def past(served):
    of = tickets()
    return served(of, ticket_events=events(of, extra=0.6), processes=PROCESS)


def test_waits_are_those_of_kaplan_meier(past):
    of = past.tickets
    curve = kaplan_meier(of[RESPONSE], of[f"{RESPONSE}_seen"])
    alone = median_survival(curve).iloc[0]
    found = row_of(service.waits(past), "response_median")
    assert (found["value"], found["low"], found["high"]) == pytest.approx((alone["value"], alone["low"], alone["high"]))
    assert found["n"] == len(of)


def test_open_tickets_have_waited_until_the_end_of_the_last_day(served):
    of = tickets(40)
    of.loc[0, ["opened_at", "first_response_at", "resolved_at"]] = [pd.Timestamp("2025-12-31 00:00"), pd.NaT, pd.NaT]
    past = served(of)
    row = past.tickets[past.tickets["ticket_id"] == "T00000"].iloc[0]
    assert (row[RESPONSE], row[f"{RESPONSE}_seen"]) == (24, False)
    assert (row[RESOLUTION], row[f"{RESOLUTION}_seen"]) == (24, False)


def test_a_ticket_solved_without_a_recorded_answer_waits_for_none_any_more(served):
    of = tickets(40)
    of.loc[0, ["opened_at", "first_response_at", "resolved_at"]] = [
        pd.Timestamp("2025-12-01 00:00"),
        pd.NaT,
        pd.Timestamp("2025-12-01 06:00"),
    ]
    row = served(of).tickets.set_index("ticket_id").loc["T00000"]
    assert (row[RESPONSE], row[f"{RESPONSE}_seen"]) == (6, False)


def test_the_newest_month_flatters_a_dashboard_of_closed_tickets(served):
    of = tickets(3000, days=60)
    of = of[of["opened_at"] > "2025-12-25"]
    found = service.closed_only(served(of)).table
    whole = found[found["whole"] & (found["wait"] == "Solution")].iloc[0]
    assert whole["gap"] > 0.2 * whole["ended_median"]
    finding = service.closed_only(served(of)).finding
    assert "in truth it takes" in finding.text.template


def test_business_hours_leave_nights_out(served):
    of = tickets(40)
    moments = [pd.Timestamp("2025-12-19 16:00"), pd.Timestamp("2025-12-22 10:00"), pd.Timestamp("2025-12-23 10:00")]
    of.loc[0, ["opened_at", "first_response_at", "resolved_at"]] = moments
    calendar = {"business_hours": {"mon-fri": "09:00-17:00"}, "holidays": ["2025-12-22"]}
    row = served(of, rules=calendar).tickets.set_index("ticket_id").loc["T00000"]
    assert (row[RESPONSE], row[RESOLUTION]) == (1, 2)


def test_holidays_without_hours_and_a_calendar_without_hours_are_refused(served):
    with pytest.raises(ParamError, match="holidays are given without business_hours"):
        served(tickets(40), rules={"holidays": ["2025-12-24"]})
    with pytest.raises(ParamError, match="have no hour"):
        served(tickets(40), rules={"business_hours": {"mon": ""}})


def test_groups_that_differ_are_said(served):
    of = tickets(900)
    slow = of["channel"] == "mail"
    later = of.loc[slow, "opened_at"] + 3 * (of.loc[slow, "first_response_at"] - of.loc[slow, "opened_at"])
    of.loc[slow, "first_response_at"] = later.where(later < pd.Timestamp("2026-01-01"))
    of.loc[of["resolved_at"] < of["first_response_at"], "resolved_at"] = pd.NaT
    found = service.by_group(served(of))
    assert found.finding.severity == "warning"
    assert (found.finding.text.numbers["slow"], found.finding.text.numbers["fast"]) == ("mail", "phone")
    assert (found.table.loc[found.table["grouping"] == "channel", "p_holm"] < 0.001).all()


def test_a_team_and_a_category_of_one_name_are_told_apart(served):
    of = tickets(300)
    of["category"] = np.where(np.arange(300) % 2, "lab", "billing")
    groups = service.by_group(served(of)).table["group"].tolist()
    assert {"lab (team)", "lab (category)", "desk"} <= set(groups)
    assert len(groups) == len(set(groups))


def test_a_team_with_the_hard_cases_is_not_named_and_a_slow_one_is(served):
    only_mix = service.teams(served(tickets(1500, mix={"lab": 0.9})))
    assert only_mix.finding.passed
    slow = service.teams(served(tickets(1500, slow={"lab": 0.5})))
    assert slow.finding.severity == "warning"
    assert slow.finding.text.numbers["who"] == "lab"
    assert slow.table["group"].iloc[0] == "lab"


def test_agents_are_counted_and_not_ranked(past):
    found = service.agents(past)
    assert row_of(found, "agents")["value"] == 12
    assert row_of(found, "slow")["value"] == 0
    assert row_of(found, "spread")["value"] < row_of(found, "spread_raw")["value"]
    assert "agent_id" not in found.table


def test_the_map_has_few_arrows_and_the_declared_steps_in_order(past):
    found = service.process_map(past)
    assert len(found.table) <= 12
    assert [one for one in found.table.attrs["order"] if one != "ask around"] == list(PROCESS["step"])
    assert found.table.attrs["declared"] == list(PROCESS["step"])
    path = found.table.set_index(["before", "after"])
    assert path.loc[("receive", "analyse"), "n"] == past.log.cases


def test_many_foreign_steps_are_one_box(served):
    of = tickets(400)
    log = events(of, extra=1.0)
    foreign = log["activity"] == "ask around"
    log.loc[foreign, "activity"] = [f"ask {number % 9}" for number in range(foreign.sum())]
    order = service.process_map(served(of, ticket_events=log, processes=PROCESS)).table.attrs["order"]
    assert order.count("other steps") == 1
    assert len(order) == 5


def test_foreign_steps_are_counted_per_case(past):
    found = service.bottlenecks(past)
    ask = found.table[found.table["step"] == "ask around"].iloc[0]
    assert not ask["declared"]
    assert ask["cases_share"] == pytest.approx(0.6, abs=0.06)
    assert found.finding.text.numbers["more"].value == pytest.approx(ask["n"] / past.log.cases)
    assert found.finding.passed is None
    assert found.table["value"].sum() == pytest.approx(1)


def test_cases_that_conform_are_those_without_a_foreign_step(past):
    found = service.conformance(past).table.set_index("measure")
    assert found.loc["conforms", "value"] + found.loc["foreign", "value"] == pytest.approx(1)
    assert found.loc["skipped", "value"] == 0
    assert found.loc["conforms", "n"] == past.log.cases


def test_ways_and_hand_offs(past):
    ways = service.ways(past).table
    assert ways["way"].tolist()[0].startswith("receive → analyse")
    assert ways["n"].sum() == past.log.cases
    grid = service.handed(past).table
    assert grid[["row", "column"]].to_numpy().tolist() == [["desk", "lab"]]
    assert grid["value"].tolist() == [100.0]


def test_what_is_open_is_what_came_less_what_went(past):
    table = service.flow(past).table
    left = table[table["group"] == "Open at the end"]["value"].iloc[-1]
    assert left == past.tickets["resolved_at"].isna().sum()
    assert service.backlog(past).table["n"].sum() == left


def test_weeks_count_a_ticket_once_its_time_is_over(served):
    of = tickets(600)
    newest = of["opened_at"] > "2025-12-31 20:00"
    past = served(of, rules={"sla_hours": 8.0})
    found = service.in_time(past).table
    own = found[found["group"] == "Answered in time"]
    assert own["at_risk"].sum() <= len(of) - newest.sum()
    assert own["value"].between(0, 1).all()


def test_outcomes_are_shares_that_can_be_counted(past):
    found = service.outcomes(past).table.set_index("measure")
    done = past.tickets[past.tickets["resolution_seen"]]
    assert found.loc["reopened", "value"] == pytest.approx(done["reopened"].astype(bool).mean())
    at_once = ~done["reopened"].astype(bool) & (done["handoffs"] == 0)
    assert found.loc["at_once", "value"] == pytest.approx(at_once.mean())
    assert found.loc["rated", "value"] == pytest.approx(done["csat"].notna().mean())
    assert found.loc["csat", "value"] == pytest.approx(past.tickets["csat"].mean())


def test_complaints_on_orders(served):
    of = tickets(300)
    orders = pd.DataFrame({"customer_id": of["customer_id"], "ordered_at": "2025-11-01", "amount": 1.0})
    found = service.outcomes(served(of, transactions=orders)).table.set_index("measure")
    assert found.loc["complaints", "value"] == pytest.approx(1000 * (of["kind"] == "complaint").sum() / 300)


def test_a_week_of_many_complaints_stands_out(served):
    of = tickets(1200)
    orders = pd.DataFrame({"customer_id": "C1", "ordered_at": pd.date_range("2025-07-01", DAY).repeat(10), "amount": 1.0})
    assert not service.complaints(served(of, transactions=orders)).finding.text.numbers["k"].value
    week = of["opened_at"].between("2025-11-03", "2025-11-09 23:59")
    of.loc[week, "kind"] = "complaint"
    many = pd.concat([of, *[of[week].assign(ticket_id=of["ticket_id"][week] + f"x{n}") for n in range(2)]])
    found = service.complaints(served(many, transactions=orders))
    assert found.finding.text.numbers["k"].value >= 1
    own = found.table[found.table["group"] == "Complaints on 1,000 orders"].set_index("x")["value"]
    assert own["2025-11-03"] == pytest.approx(1000 * 3 * week.sum() / 70)


def test_channels_have_all_measures(past):
    table = service.channels(past).table.set_index("channel")
    own = past.tickets[past.tickets["channel"] == "mail"]
    assert table.loc["mail", "n"] == len(own)
    assert table.loc["mail", "rating"] == pytest.approx(own["csat"].mean())
    assert table.loc["mail", "reopened"] == pytest.approx(own["reopened"].astype(bool).mean())


def test_hours_of_the_day_are_all_tickets(past):
    table = service.hours_of_day(past).table
    assert table["value"].sum() == pytest.approx(1)
    assert table["n"].sum() == len(past.tickets)


def test_work_is_per_person_who_is_there(served):
    of = tickets(600)
    staff = pd.DataFrame(
        {
            "staff_id": ["1", "2", "3"],
            "team": ["desk", "desk", "lab"],
            "joined_at": "2020-01-01",
            "left_at": [None, "2025-01-01", None],
        }
    )
    training = pd.DataFrame({"staff_id": ["1"], "course": ["tone"], "taken_at": ["2025-06-01"]})
    table = service.staffing(served(of, staff=staff, training=training)).table.set_index("team")
    assert table["people"].to_dict() == {"desk": 1, "lab": 1}
    assert table["trained"].to_dict() == {"desk": 1.0, "lab": 0.0}
    weeks = (DAY - dt.date(2025, 7, 1)).days / 7 + 1 / 7
    assert table.loc["lab", "weekly"] == pytest.approx(table.loc["lab", "n"] / weeks)


def test_contacts_without_a_channel_say_so(served):
    spoken = pd.DataFrame({"customer_id": [f"C{n}" for n in range(40)], "occurred_at": "2025-12-01"})
    spoken["direction"] = np.where(spoken.index < 30, "outbound", "inbound")
    found = service.contacts(served(tickets(40), interactions=spoken))
    assert found.table[["direction", "n"]].to_numpy().tolist() == [["outbound", 30], ["inbound", 10]]
    assert "no channel" in found.finding.text.template


def test_deals_are_counted_with_those_that_are_open(served):
    deals = pd.DataFrame({"opportunity_id": [str(n) for n in range(40)], "customer_id": "C1", "created_at": "2025-10-01"})
    deals["stage"] = np.where(deals.index < 20, "offer", "talks")
    deals["closed_at"] = [f"2025-10-{n + 1:02d}" if n < 20 else None for n in range(40)]
    deals["won"] = [n < 10 if n < 20 else None for n in range(40)]
    table = service.funnel(served(tickets(40), opportunities=deals)).table.set_index("stage")
    assert table.loc["all stages", ["n", "open", "won", "lost"]].tolist() == [40, 20, 10, 10]
    assert table.loc["all stages", "value"] == 0.5
    # twenty of forty are decided after 19 days, and none after: the middle of a flat curve is not known
    assert table.loc["offer", "days"] == 9.5


def test_the_headline_is_short_and_the_worst_comes_first(past):
    found = service.headline(past)
    assert 0 < len(found) <= 7
    assert [one.severity for one in found] == sorted(
        (one.severity for one in found), key=["critical", "warning", "info", "good"].index
    )


def test_the_headline_tells_of_answers_and_of_solutions(past):
    """A company that answers at once and solves late is told so, with the shares of the boxes."""
    boxes = service.waits(past).table.set_index("measure")
    said = {one.id: one for one in service.headline(past)}
    for name, measure in (("service.in_time", "response_within"), ("service.solved_in_time", "resolution_within")):
        assert said[name].text.numbers["share"].value == boxes.loc[measure, "value"]


def test_what_is_not_there_is_not_assessed(served):
    of = tickets(200)[["ticket_id", "customer_id", "opened_at"]]
    past = served(of)
    shown = [made(past) for made in SHOWN]
    assert {one.name for one in shown if one.assessed} == {"service_hours"}
    assert all(one.reason is not None for one in shown if not one.assessed)
    assert service.headline(past) == []


def test_no_ticket_in_these_months(served):
    past = served(tickets(60).assign(opened_at="2024-01-01"))
    assert not any(made(past).assessed for made in SHOWN if made is not service.backlog and made is not service.contacts)


@pytest.mark.parametrize("column", ["resolved_at", "first_response_at"])
def test_nothing_has_come_to_its_end(served, column):
    of = tickets(200)
    of[["resolved_at", column]] = pd.NaT
    past = served(of, ticket_events=events(tickets(200)), processes=PROCESS)
    for made in SHOWN:
        made(past)
    found = row_of(service.waits(past), "resolution_median")
    assert np.isnan(found["value"])
    assert service.closed_only(past).assessed
    assert not service.process_map(past).assessed


def test_one_agent_and_one_team_are_compared_with_nobody(served):
    past = served(tickets(200, teams=("desk",)).assign(agent_id="A1"))
    assert not service.teams(past).assessed
    assert not service.agents(past).assessed
    assert service.waits(past).assessed


def test_answers_before_their_opening_are_refused_with_their_rows(company):
    of = tickets(60)
    of.loc[0, "first_response_at"] = of.loc[0, "opened_at"] - pd.Timedelta(hours=2)
    with pytest.raises(DataError, match=r"'first_response_at' has 1 value before opened_at \(row 2\)"):
        company(tables={"tickets": of}, as_of=str(DAY))


def test_repeated_steps_at_one_moment_are_kept_where_a_number_tells_them_apart(served):
    of = tickets(60)
    log = events(of)
    again = log[log["activity"] == "analyse"]
    both = pd.concat([log, again], ignore_index=True)
    both["event_id"] = [f"E{number}" for number in range(len(both))]
    past = served(of, ticket_events=both, processes=PROCESS)
    table = service.bottlenecks(past).table.set_index("step")
    assert table.loc["analyse", "repeats"] == 1
    assert table.loc["analyse", "in_a_row"] == past.log.cases
    assert service.conformance(past).table["value"].iloc[0] == 1
