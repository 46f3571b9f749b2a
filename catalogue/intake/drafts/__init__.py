"""Draft records made of data files, one file per kind of data."""
