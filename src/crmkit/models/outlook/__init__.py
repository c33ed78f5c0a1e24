"""How does a short series go on? Forecasts of months or quarters whose ranges were learned from their own earlier errors."""
