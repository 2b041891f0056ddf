"""Reach gateways, mail and webhook receivers, and know who the seller is."""
