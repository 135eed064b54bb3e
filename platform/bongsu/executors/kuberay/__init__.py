"""The executor of a Kubernetes cluster: attempts are RayJobs and Jobs that Kueue begins."""
