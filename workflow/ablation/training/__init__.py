"""The engine: how any network is trained."""
