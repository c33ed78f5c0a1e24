"""What moves the score? The fit and what is shown of it."""
