"""The API objects: one file each, which declares the fields and alone writes the table of the object."""
