"""Work asked from the web, kept until it is done."""
