"""Who needs what and where it is: people, counters, the rule, and measures of access."""
