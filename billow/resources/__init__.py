"""The nouns: one file per API object, which declares its fields and writes its own table only."""
