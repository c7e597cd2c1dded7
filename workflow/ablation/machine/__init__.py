"""The machine: devices, leases, provenance, logs."""
