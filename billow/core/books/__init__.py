"""Decide what bookkeeping needs: the tax treatment of a posting, its account in a chart, its period."""
