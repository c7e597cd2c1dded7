"""The engine: it trains the replicates of any plain network, in groups."""
