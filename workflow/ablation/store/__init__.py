"""What is kept: keys, code digests, entries, formats, locks, raw files."""
