"""What a notebook shows, and the page made of it."""
