"""Statistics of an audit: agreement of raters, risks, and what fits a budget."""
