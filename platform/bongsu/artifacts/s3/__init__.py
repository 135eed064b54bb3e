"""Artifacts in an S3 bucket, through boto3."""
