"""A real Kubernetes on one machine, without Docker: for tests, and to look at by hand (docs/test-cluster.md)."""
