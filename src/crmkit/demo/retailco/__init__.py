"""RetailCo, a company that does not exist: its customers, house and faults."""

from crmkit.demo.retailco.company import CUSTOMERS, SEED, simulate

__all__ = ["CUSTOMERS", "SEED", "simulate"]
