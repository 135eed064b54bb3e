"""The gate: nothing is registered that does not come back from disk as what it was."""
