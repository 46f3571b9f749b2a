"""How good a record is: the rules it is judged by, its links, the whole catalogue at once."""
