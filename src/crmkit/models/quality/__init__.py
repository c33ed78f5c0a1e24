"""How good are data? Shares of records with their limits, persons behind records, and values far from all others."""
