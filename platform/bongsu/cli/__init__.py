"""The command line: thin commands over the service, tables for people, JSON for machines."""
