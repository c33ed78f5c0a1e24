"""What must not reach a page: hostile markup, secrets, identifiers of customers."""
