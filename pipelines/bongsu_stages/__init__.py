"""What runs on the workers. Imports ``bongsu.domain`` and ``bongsu.artifacts`` and nothing else of Bongsu."""
