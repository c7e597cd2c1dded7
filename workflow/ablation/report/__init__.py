"""The report: one HTML file, all words from a catalogue, all numbers from the study's data."""
