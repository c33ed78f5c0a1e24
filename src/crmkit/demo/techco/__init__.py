"""TechCo, a company that does not exist: its customers, house and faults."""

from crmkit.demo.techco.company import CUSTOMERS, SEED, simulate

__all__ = ["CUSTOMERS", "SEED", "simulate"]
