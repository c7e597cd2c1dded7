"""Split and standardise data."""
