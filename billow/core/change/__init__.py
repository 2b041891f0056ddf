"""Decide what a change of a subscription means: its periods, what it credits and charges, when it is billed.

    items.py        the items before and after the change
    periods.py      where the subscription goes: anchor, trial, end, and the period of each item
    prorations.py   what is credited and charged for a part of a period
    decision.py     the order of all of it, and whether an invoice is made at once

All of it is given what was read, and returns what is to be written.
"""
