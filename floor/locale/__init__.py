"""The sentences of each language, and `update`, which finds them in the code."""
