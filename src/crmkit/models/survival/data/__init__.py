"""What was observed of each customer's stay, as survival models take it."""
