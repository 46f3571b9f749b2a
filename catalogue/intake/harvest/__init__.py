"""Records brought from elsewhere, again and again: one file per protocol, one that runs them
all.
"""
