"""Read and write the files that are exchanged with banks."""
