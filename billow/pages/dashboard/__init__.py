"""Serve the dashboard, in which the people of the merchant work; one file for each screen."""
