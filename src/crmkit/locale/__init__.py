"""Which words are translated, and what keeps the catalogues complete."""
