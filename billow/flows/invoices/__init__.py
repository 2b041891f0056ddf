"""Finalize, void and write off invoices, and recognize their revenue."""
