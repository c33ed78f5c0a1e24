"""crmkit: how satisfied are our customers, who is about to leave, what is each worth, and what to do about it."""

__version__ = "0.1.0"
