"""The one directory of service points: its schema, its hours, its types, and what is wrong with a
row.
"""
