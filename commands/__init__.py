"""What the command line asks of the rooms, one file per group of commands."""
