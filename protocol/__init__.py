"""What is said between a device and the hub: types and pure functions, no I/O."""
