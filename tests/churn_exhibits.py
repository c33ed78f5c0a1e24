"""Every exhibit of the notebook on churn, for tests that look at all of them."""

from crmkit.analyses import churn


def exhibits(one, actions):
    """The results of the notebook, in its order, of what was read, studied and planned."""
    past, work, value, plan = one.past, one.work, one.value, one.plan
    return [
        churn.totals(past, value),
        churn.board(past, work),
        churn.monthly(past),
        churn.window(past),
        churn.survival(past),
        churn.at_risk(past),
        churn.restricted(past),
        churn.group_tests(past),
        churn.cohorts(past),
        churn.causes(past),
        churn.reasons(past),
        churn.effects(past, work),
        churn.proportionality(work),
        churn.columns(work),
        churn.calibration(past, work),
        churn.accuracy(past, work),
        churn.backtest(past, work, one.offer, contacts=100, value=value),
        churn.early_warning(past, work, value, plan, actions=actions),
        churn.profit_curve(plan),
        churn.rules(plan),
        churn.tornado(plan),
        churn.assignment(past, plan),
        churn.uplift(past),
        churn.lifelines_summary(churn.lifelines_model(past, work)),
    ]
