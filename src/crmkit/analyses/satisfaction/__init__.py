"""How satisfied are customers, what moves it, and what is a point worth?

The order of use is that of ``notebooks/satisfaction.ipynb``: :func:`answers`, then one function per exhibit.
"""

from crmkit.analyses.satisfaction.history import Item, Survey, answers

__all__ = ["Item", "Survey", "answers"]
