"""The embedded sample, a real Midi-Pyrénées, and the studies that come with it."""
