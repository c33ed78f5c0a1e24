"""What is in a folder of exports that nobody has described yet? Systems known by their headers, and a params file from them."""
