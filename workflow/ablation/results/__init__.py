"""Numbers of a study as documents and tables."""
