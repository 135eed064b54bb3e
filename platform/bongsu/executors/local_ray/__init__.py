"""Attempts as Ray tasks on this machine, or on a Ray that already runs."""
