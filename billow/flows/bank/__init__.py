"""Import bank statements, apply their payments, and keep what cannot be applied in a queue."""
