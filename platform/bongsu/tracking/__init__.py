"""Everything that knows MLflow: lineage and the model registry."""
