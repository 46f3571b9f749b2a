"""ISO 19115 in XML: its two encodings read, written, and grafted into the document a record came
from.
"""
