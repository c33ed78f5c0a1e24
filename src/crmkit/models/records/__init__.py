"""Records of one thing: which of them are the same customer, and how sure is that?"""
