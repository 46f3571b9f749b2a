"""Records brought from elsewhere, again and again: the protocols, and one file that runs them
all.
"""
