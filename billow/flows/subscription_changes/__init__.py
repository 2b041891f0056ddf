"""Change a running subscription: load, compute, apply."""
