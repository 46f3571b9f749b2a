"""The questions of a study asked of the analyst's own data, with no file: frames in, answers out."""
