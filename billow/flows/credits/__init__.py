"""Grant billing credits, and let them pay for usage."""
