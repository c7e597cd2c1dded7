"""A network as its file declares it, with trained weights or without."""
