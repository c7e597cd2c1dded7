"""Simple models on the same splits."""
