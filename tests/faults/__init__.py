"""Faults on one machine: a study disturbed, then the same command once. ``make faults`` runs all and prints a table."""
