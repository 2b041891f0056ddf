"""Sell prepaid credits by wallets, on request and by themselves."""
