"""The engine: trains the replicates of a cell."""
