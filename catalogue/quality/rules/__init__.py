"""The rules a record is checked against, by family: what it is, where and when, how to use it,
OGC's schema.
"""
