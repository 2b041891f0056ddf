"""Serve the pages for people, which need no API key, and the description and metrics of the server."""
