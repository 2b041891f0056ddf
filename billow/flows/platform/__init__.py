"""Run what belongs to the installation: accounts, keys, files, test clocks, retention, repair."""
