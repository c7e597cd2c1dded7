"""What a cell shows when looked at closer: mistakes, kernels, residuals, learning curves. Pure, and without torch."""
