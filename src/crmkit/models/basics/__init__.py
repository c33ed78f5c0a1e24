"""Numeric tools and estimates that every room of statistics uses."""
