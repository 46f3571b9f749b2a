"""Roads of any source, made into the one network file that routers read."""
