"""The convolutional network on MNIST."""
