"""From a study to its kiosks: hosts, the model that chooses among them, the ranked list."""
