"""Everything that holds pygeoapi: its providers, its configuration, and what stands before it."""
