"""The nouns of Bongsu and their rules. Pure: no I/O, no clock, no randomness, no environment."""
