"""What a rule calls: one module per stage, each reads, calls, writes."""
