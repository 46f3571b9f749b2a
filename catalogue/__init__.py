"""What the region holds, described to OGC API Records, stored and found again."""
