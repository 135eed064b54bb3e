"""One self-contained HTML page about a run, for a person who has nothing but a browser."""
