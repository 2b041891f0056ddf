"""Collect payments, refund them, and retry failed ones."""
