"""Reproducible ablation studies: stacked replicates, cached cells, honest comparisons."""
