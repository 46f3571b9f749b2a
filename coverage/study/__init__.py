"""The question a planner asks: a TOML file, read and checked once."""
