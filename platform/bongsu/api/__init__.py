"""What is reached by HTTP: routers, thin over the use cases."""
