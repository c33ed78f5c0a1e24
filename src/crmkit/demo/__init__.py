"""Companies that do not exist, whose truth is known: for a first look, for tests, and for judging forecasts."""

from crmkit.demo.company import Company, companies, write

__all__ = ["Company", "companies", "write"]
