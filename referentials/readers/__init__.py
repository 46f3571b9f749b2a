"""One file per published format, each from bytes to the one directory of services."""
