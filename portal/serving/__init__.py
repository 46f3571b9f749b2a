"""A server that can be left open: what strangers send has limits, and what is served is told."""
