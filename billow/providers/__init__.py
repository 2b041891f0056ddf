"""What does the outside world look like? Gateways, papers and mail, each handed plain data."""
