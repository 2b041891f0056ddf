"""Decide how money moves by bank: references, QR codes, bank days, statements, direct debits."""
