"""Which indicators does an audit use, and what has the client changed?"""

from crmkit.analyses.audit.catalogue.entries import GROUPS, Indicator
from crmkit.analyses.audit.catalogue.loading import Catalogue, Change, load_catalogue, merge

__all__ = ["GROUPS", "Catalogue", "Change", "Indicator", "load_catalogue", "merge"]
