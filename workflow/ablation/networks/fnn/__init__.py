"""The fully connected network on Boston Housing."""
