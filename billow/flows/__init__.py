"""Act: verbs that cross nouns and move money, in groups; each group imports only the groups below it."""
