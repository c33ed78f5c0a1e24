"""How good is a forecast of leaving, and what is it worth?"""
