"""What a study leaves behind, one kind of document a file."""
