"""Versions of the referentials: stored, compared, exported, told in feeds, brought to another
year.
"""
