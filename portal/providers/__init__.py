"""What pygeoapi loads by name: the records, layers and processes that it serves."""
