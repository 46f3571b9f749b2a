"""What every room stands on: errors, findings, units; it imports nothing of ours."""
