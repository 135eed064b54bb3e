"""MLflow for several ministries: its own server behind a door that knows people, and rows that exist only for those
who may see them. What is stated where: docs/adr/0015-governed-mlflow.md.
"""
