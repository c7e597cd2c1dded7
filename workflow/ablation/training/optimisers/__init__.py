"""Optimisers, one module for each kind."""
