"""Make the lines and totals of invoices."""
