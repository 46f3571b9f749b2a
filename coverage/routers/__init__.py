"""Ways to measure a distance or a time, one back-end a file."""
