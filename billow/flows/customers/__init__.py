"""Keep customers, their credit balance, tax ids and payment methods."""
