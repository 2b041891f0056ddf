"""The verbs: one file per story. Only flows cross nouns, and only flows move money."""
