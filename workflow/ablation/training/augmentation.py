"""Random transformations of training images."""
