"""Talking to a control plane over HTTP: a typed client, and the sign-in."""
