"""Deliver events to webhook endpoints, and list them in order."""
