"""Decide taxes: settings, sources, automatic tax of invoices, calculations."""
