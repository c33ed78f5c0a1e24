"""Do the data meet what the models assume? In words, before their figures are believed."""

from __future__ import annotations

from crmkit.analyses.clv.covariates import no_kinds
from crmkit.analyses.clv.fit import ALIKE, LIMITS, NAMES, STAYERS, WITH, Models, used
from crmkit.analyses.clv.read import Purchases
from crmkit.core.dates import DAYS_PER_YEAR
from crmkit.core.results import Finding, Quantity, Text
from crmkit.models.purchases import btyd
from crmkit.models.purchases.spend import spend_frequency_correlation

STRONG_CORRELATION = 0.3
REGULAR_FROM = 1.5
FEWEST_PAIRS = 20
ABSURD_LOW, ABSURD_HIGH = 0.05, 366.0
MOST_UNNAMED = 0.02
NOBODY_LEAVES = Finding(
    id="clv.nobody_leaves",
    severity="info",
    passed=None,
    text=Text("Values come from a model in which all customers go on buying."),
    criteria=Text("No rate of leaving explains the purchases better than none."),
)
LEAVE_ALIKE = Finding(
    id="clv.leave_alike",
    severity="info",
    passed=None,
    text=Text("Values come from a model in which all customers leave at one rate."),
    criteria=Text("Nothing in the purchases shows that customers differ in how readily they leave."),
)
SAID = {STAYERS: NOBODY_LEAVES, ALIKE: LEAVE_ALIKE}
MAXIMUM = Text("The likelihood has a maximum inside the range of the parameters.")
OTHER_MODEL = Text("Read all values as those of the model that could be fitted; the last section names it.")


def checks(past: Purchases, models: Models) -> list[Finding]:
    """Do the data meet what the models assume?

    Returns
    -------
    list of Finding
        Models that could not be fitted; whether customers were watched for long enough, purchases name their customer, spend
        depends on how often customers buy, and purchases come by chance; how much was returned.
    """
    if past.customers.empty:
        return []
    model = used(models.chosen, models.final) if models.final.fits else models.chosen
    # that no model of leaving can be fitted is no fault where nobody leaves, or all leave alike
    limit = model in LIMITS
    found = [SAID[model]] if limit else []
    found += [
        Finding(
            id=f"clv.not_fitted.{name}",
            # where another one was chosen, the numbers are its own
            severity="info" if models.chosen in models.final.fits else "warning",
            passed=False,
            text=reason,  # it names the model
            criteria=MAXIMUM,
            action=None if models.chosen in models.final.fits else OTHER_MODEL,
        )
        for name, reason in models.final.reasons.items()
        if not limit
    ]
    plain = models.chosen.removesuffix(WITH)
    if not limit and models.chosen != plain and plain not in models.final.kinds.fits:
        text = Text(
            "{model} could not be fitted: {reason}",
            {"model": Text(NAMES[models.chosen]), "reason": no_kinds(models.final.kinds)},
        )
        found.append(Finding(f"clv.not_fitted.{models.chosen}", "warning", False, text, criteria=MAXIMUM, action=OTHER_MODEL))
    if not past.spend.known:
        text = Text("The transactions hold no amounts, so this report speaks of purchases and not of money.")
        found.append(Finding("clv.no_amounts", "info", None, text))
    elif models.final.spend is None:
        found.append(
            Finding(
                id="clv.no_spend_model",
                severity="warning",
                passed=False,
                text=Text("{reason}", {"reason": models.final.spend_reason}),
                criteria=Text("There are repeat buyers, and their mean spend has a finite expectation."),
                action=Text("Speak of purchases only: without a model of spend no customer has a value."),
            )
        )
    return [
        *found,
        *_exposure(past),
        *_unnamed(past),
        *_alike(models),
        *_independence(past),
        *_regularity(past, models),
        *_rate(past, models),
        *_returns(past),
    ]


def _exposure(past: Purchases) -> list[Finding]:
    """Whether customers have been watched for longer than it usually takes them to come back."""
    table = past.customers
    repeats = float(table["frequency"].sum())
    if not repeats:
        return []
    usual = float(table["recency_days"].sum()) / repeats
    half = float(table["T_days"].median())
    good = half >= usual
    new = int((table["T_days"] < usual).sum())
    numbers = {"half": Quantity(half, "days"), "usual": Quantity(usual, "days"), "new": Quantity(new, "count")}
    text = Text(
        "Half of the customers have been watched for {half} or more; repeat buyers come back after {usual} on average.", numbers
    )
    if new:
        text = Text("{text} {new} {new:customer|customers} came too late for that.", {**numbers, "text": text})
    criteria = Text("Half of the customers are watched for longer than the usual time between two purchases.")
    return [Finding("clv.exposure", "good" if good else "warning", good, text, criteria=criteria)]


def _unnamed(past: Purchases) -> list[Finding]:
    """Whether so many purchases name no customer that histories have holes."""
    rows, read = past.people.unnamed
    if not rows:
        return []
    share = rows / read
    bad = share > MOST_UNNAMED
    text = Text(
        "{rows} {rows:purchase|purchases}, {share} of those read, {rows:names|name} no customer; "
        "{rows:it is|they are} in no history.",
        {"rows": Quantity(rows, "count"), "share": Quantity(share, "share")},
    )
    criteria = Text(
        "At most {limit} of the purchases are without a customer; more make customers look rarer, and lost sooner, than they "
        "are.",
        {"limit": Quantity(MOST_UNNAMED, "share")},
    )
    return [Finding("clv.unnamed", "warning" if bad else "info", not bad, text, criteria=criteria)]


def _alike(models: Models) -> list[Finding]:
    spend = models.final.spend
    if spend is None or not spend.alike:
        return []
    text = Text(
        "What {n} repeat buyers spend per purchase differs by chance alone: all are valued at {mean} per purchase.",
        {"n": Quantity(spend.n, "count"), "mean": Quantity(spend.population_mean, "money")},
    )
    return [
        Finding(
            id="clv.alike",
            severity="info",
            passed=True,
            text=text,
            criteria=Text("Differences that chance does not explain would count."),
        )
    ]


def _independence(past: Purchases) -> list[Finding]:
    repeat = past.customers[(past.customers["frequency"] > 0) & (past.customers["monetary_value"] > 0)]
    if len(repeat) < 3:
        return []
    r = float(spend_frequency_correlation(repeat["frequency"], repeat["monetary_value"]))
    bad = abs(r) >= STRONG_CORRELATION
    return [
        Finding(
            id="clv.independence",
            severity="warning" if bad else "good",
            passed=not bad,
            text=Text(
                "How much repeat buyers spend and how often they buy are correlated with {r} ({n} customers).",
                {"r": Quantity(r, "score"), "n": Quantity(len(repeat), "count")},
            ),
            criteria=Text(
                "The spend model assumes no correlation; from {limit} on, values of frequent buyers are doubtful.",
                {"limit": Quantity(STRONG_CORRELATION, "score")},
            ),
        )
    ]


def _regularity(past: Purchases, models: Models) -> list[Finding]:
    """Whether purchases come by chance, as most models assume, or by the calendar; no fault of a model that knows it."""
    if len(past.rhythm.gaps) < FEWEST_PAIRS:
        return []
    k = btyd.regularity(past.rhythm.gaps["earlier_days"], past.rhythm.gaps["later_days"], confidence=past.confidence)
    value, low, high = float(k.value), float(k.low), float(k.high)
    name = used(models.chosen, models.final) if models.final.fits else ""
    phases = models.final.fits[name].params["k"] if name == "mbgcnbd" else 1.0
    bad = low > REGULAR_FROM and phases < 2
    criteria = (
        Text(
            "Values come from {model} with k = {k}, which allows for regular purchases.",
            {"model": NAMES["mbgcnbd"], "k": Quantity(phases, "count")},
        )
        if phases >= 2
        else Text(
            "The model assumes chance; clearly above {limit}, silence means more than it says.",
            {"limit": Quantity(REGULAR_FROM, "score")},
        )
    )
    return [
        Finding(
            id="clv.regularity",
            severity="warning" if bad else "good",
            passed=not bad,
            text=Text(
                "Purchases follow each other with a regularity of {k}, where 1 is pure chance ({n} customers).",
                {"k": Quantity(value, "score", low, high), "n": Quantity(len(past.rhythm.gaps), "count")},
            ),
            criteria=criteria,
        )
    ]


def _rate(past: Purchases, models: Models) -> list[Finding]:
    """Whether the implied number of purchases per year can be: a wrong time unit shows here."""
    if not models.final.fits:
        return []
    fit = models.final.fits[used(models.chosen.removesuffix(WITH), models.final)]
    phases = fit.params.get("k", 1.0)
    yearly = fit.params["r"] / fit.params["alpha"] / phases * DAYS_PER_YEAR / past.days_per_unit
    if ABSURD_LOW < yearly < ABSURD_HIGH:
        return []
    return [
        Finding(
            id="clv.rate",
            severity="warning",
            passed=False,
            text=Text(
                "An active customer would buy {rate} times a year, which can hardly be.", {"rate": Quantity(yearly, "number")}
            ),
            criteria=Text("Between one purchase in twenty years and one a day; check dates and the time unit."),
        )
    ]


def _returns(past: Purchases) -> list[Finding]:
    total, returned = float(past.customers["total"].sum()), float(past.customers["returned"].sum())
    if returned <= 0 or total <= 0:
        return []
    return [
        Finding(
            id="clv.returns",
            severity="info",
            passed=None,
            text=Text(
                "Goods for {returned} were returned, {share} of the {total} sold; values are before returns.",
                {
                    "returned": Quantity(returned, "money"),
                    "share": Quantity(returned / total, "share"),
                    "total": Quantity(total, "money"),
                },
            ),
        )
    ]
