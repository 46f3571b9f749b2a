"""The HTTP interface: records, features, processes, feeds and their description."""
