"""Immutable, digest-addressed artifacts behind one protocol: a local directory or S3."""
