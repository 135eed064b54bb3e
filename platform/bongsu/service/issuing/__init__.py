"""The built-in issuer: signing people in, and giving out tokens. Off unless switched on (docs/identity.md)."""
