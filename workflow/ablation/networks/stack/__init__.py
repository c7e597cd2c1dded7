"""Networks of R replicates trained as one: layers, optimisers, the training loop."""
