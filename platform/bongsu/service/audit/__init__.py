"""The audit log: reading, signing, witnessing, exporting and verifying it."""
