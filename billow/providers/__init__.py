"""Reach the outside world: gateways, documents and mail, each with plain data."""
