"""The official sources: what each is, where it is taken from, and how it is fetched."""
