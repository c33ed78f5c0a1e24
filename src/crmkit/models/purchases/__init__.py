"""Statistics of purchases: who buys again, how often, and what it is worth."""
