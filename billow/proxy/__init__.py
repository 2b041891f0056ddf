"""Serve the names of Stripe's API over TLS on this machine, for clients whose address cannot be changed."""
