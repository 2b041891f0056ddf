"""Sell on pages of ours: checkout sessions, payment links, and what they create when they are paid."""
