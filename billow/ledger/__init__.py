"""Keep the double-entry books: the chart of accounts, the entries, the one writer, balances and journal."""
