"""What every room stands on: errors, findings; it imports nothing of ours."""
