"""How satisfied are customers, what moves it, and what is a point worth?

The order of use is that of ``notebooks/satisfaction.ipynb``: :func:`answers`, :func:`weigh`, :func:`drive`, then one function
per exhibit.
"""

from crmkit.analyses.satisfaction.benchmarks import benchmarks
from crmkit.analyses.satisfaction.careless import careless, with_and_without
from crmkit.analyses.satisfaction.changes import changes, group_changes
from crmkit.analyses.satisfaction.drivers.exhibits import importance, importance_performance, ranks, what_if
from crmkit.analyses.satisfaction.drivers.fit import Drive, drive
from crmkit.analyses.satisfaction.experiment import experiment
from crmkit.analyses.satisfaction.headline import headline
from crmkit.analyses.satisfaction.index import index, reliability
from crmkit.analyses.satisfaction.leaving import Exposure, exposure
from crmkit.analyses.satisfaction.loop import closed_loop, recovered
from crmkit.analyses.satisfaction.money import Worth, leaving_by_score, money_per_point, point_worth
from crmkit.analyses.satisfaction.read import answers
from crmkit.analyses.satisfaction.recommend import converting, referring
from crmkit.analyses.satisfaction.response import items_left_out, representative, response
from crmkit.analyses.satisfaction.reward import reward
from crmkit.analyses.satisfaction.scores import distribution, items, scores
from crmkit.analyses.satisfaction.segments import differences, segments
from crmkit.analyses.satisfaction.survey import Item, Survey
from crmkit.analyses.satisfaction.trend import steps, trend, waves
from crmkit.analyses.satisfaction.turns import turns
from crmkit.analyses.satisfaction.verbatims import Comments, commenting, quotes, read_comments, theme_counts, themes_by_score
from crmkit.analyses.satisfaction.weights import Weights, weigh, weighting

__all__ = [
    "Comments",
    "Drive",
    "Exposure",
    "Item",
    "Survey",
    "Weights",
    "Worth",
    "answers",
    "benchmarks",
    "careless",
    "changes",
    "closed_loop",
    "commenting",
    "converting",
    "differences",
    "distribution",
    "drive",
    "experiment",
    "exposure",
    "group_changes",
    "headline",
    "importance",
    "importance_performance",
    "index",
    "items",
    "items_left_out",
    "leaving_by_score",
    "money_per_point",
    "point_worth",
    "quotes",
    "ranks",
    "read_comments",
    "recovered",
    "referring",
    "reliability",
    "representative",
    "response",
    "reward",
    "scores",
    "segments",
    "steps",
    "theme_counts",
    "themes_by_score",
    "trend",
    "turns",
    "waves",
    "weigh",
    "weighting",
    "what_if",
    "with_and_without",
]
