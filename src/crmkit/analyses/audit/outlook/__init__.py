"""What is to come: the headline indicators and their targets, sales, categories, needs, segments, and the market."""

from crmkit.analyses.audit.outlook.indicators import coming, outlook_figure, outlook_table
from crmkit.analyses.audit.outlook.kinds import category_figure, category_trends, need_trends, segment_trends
from crmkit.analyses.audit.outlook.market import market, opportunities
from crmkit.analyses.audit.outlook.sales import sales_figure, sales_outlook

__all__ = [
    "category_figure",
    "category_trends",
    "coming",
    "market",
    "need_trends",
    "opportunities",
    "outlook_figure",
    "outlook_table",
    "sales_figure",
    "sales_outlook",
    "segment_trends",
]
