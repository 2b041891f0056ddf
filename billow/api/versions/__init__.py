"""Speak older versions of Stripe's API: read older requests, show older answers.

The rest of the program knows the newest version only. Each file `v….py` holds what one version changed.
"""
