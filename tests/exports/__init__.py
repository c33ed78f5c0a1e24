"""Exports as a company might hand them over, changed in one or two ways, each with what is the right reading of it.

``model`` has the export and its truth, ``kinds_*`` the ways of changing it, ``files`` writes it down, ``judge`` opens it and
compares. Nothing here asks the kit how a text is to be read: what is right stands beside each kind.
"""
