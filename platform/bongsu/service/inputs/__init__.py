"""From what a pipeline names as its inputs to bytes in the artifact store."""
