"""Networks and their data: one package each, and what they share."""
