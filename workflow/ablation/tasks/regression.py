"""Regression: loss, scores and predictions."""
