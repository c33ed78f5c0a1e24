"""How good are the data, what follows from it for every other verdict, and what should be mended first?

The order of use is that of ``notebooks/data_quality.ipynb``: :func:`examine`, then one function per exhibit.
"""

from crmkit.analyses.data_quality.accuracy import accuracy
from crmkit.analyses.data_quality.completeness import completeness, places
from crmkit.analyses.data_quality.consistency import channels, conflicts, reach, systems
from crmkit.analyses.data_quality.duplicates import exact
from crmkit.analyses.data_quality.effect import effect
from crmkit.analyses.data_quality.fixes import fixes
from crmkit.analyses.data_quality.gates import gates
from crmkit.analyses.data_quality.headline import headline
from crmkit.analyses.data_quality.indicators import indicators, series
from crmkit.analyses.data_quality.inventory import sources
from crmkit.analyses.data_quality.outliers import conduct, outliers
from crmkit.analyses.data_quality.privacy import purposes, self_check
from crmkit.analyses.data_quality.read import Agreed, Checked, examine
from crmkit.analyses.data_quality.tables import tables
from crmkit.analyses.data_quality.timeliness import ages
from crmkit.analyses.data_quality.usage import modules

__all__ = [
    "Agreed",
    "Checked",
    "accuracy",
    "ages",
    "channels",
    "completeness",
    "conduct",
    "conflicts",
    "effect",
    "exact",
    "examine",
    "fixes",
    "gates",
    "headline",
    "indicators",
    "modules",
    "outliers",
    "places",
    "purposes",
    "reach",
    "self_check",
    "series",
    "sources",
    "systems",
    "tables",
]
