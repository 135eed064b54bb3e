"""Browsers at a server: signing in where its people do, and the sessions that come of it (docs/identity.md)."""
