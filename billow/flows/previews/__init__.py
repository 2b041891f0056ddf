"""Show invoices that are to come, without making them."""
