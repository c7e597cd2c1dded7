"""A finished study for others: tables and figures for a paper, and all of it as a Workflow Run RO-Crate.

Nothing heavy is imported here: Snakemake asks for the plan each time it starts.
"""
