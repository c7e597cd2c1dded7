"""The question: configuration, axes, grid, and the plan of stages that answers it."""
