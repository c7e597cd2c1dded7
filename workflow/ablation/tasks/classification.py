"""Classification: loss, scores and predictions."""
