"""Records stored and found again: the store, its tables, questions put to it in CQL2 and in
words.
"""
