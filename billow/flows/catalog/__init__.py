"""Keep what is on sale: prices, plans, promotion codes, and the catalog as a file."""
