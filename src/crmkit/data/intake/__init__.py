"""What does a file say? Headers, notation, values and rows as exports write them, and what is set aside."""
