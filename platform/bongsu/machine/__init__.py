"""The machine that this process runs on, as far as the process may use it."""
