"""The control plane over HTTP: thin routes over the use cases of ``bongsu.service``."""
