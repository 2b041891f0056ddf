"""Lay out invoices and receipts, link to them, and mail them."""
