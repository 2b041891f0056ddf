"""Who pays which account, and what is on it? Chart, entries, the one writer, balances, journal."""
