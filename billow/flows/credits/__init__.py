"""Record usage events, each once, and sum them."""
