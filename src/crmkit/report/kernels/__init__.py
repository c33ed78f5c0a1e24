"""How does a notebook get a kernel that starts fast, is its own alone, and whose end is known?

A server process imports what the notebooks will need and then does nothing but fork: each kernel is a fresh copy of it, so that
no client ever meets what another one left. Where forking is not safe, a kernel is started cold, with the same results.
"""
