"""What the HTML pages show beside the data."""
