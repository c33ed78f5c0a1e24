"""How long do customers stay? Curves, their differences and competing reasons."""
