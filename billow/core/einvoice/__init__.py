"""Hold an invoice as EN 16931 sees it: its terms, and the rules for what it can say and what it cannot."""
