"""Train one cell."""
