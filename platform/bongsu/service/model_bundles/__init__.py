"""Model versions that leave the house as one file, and come into another one from that file."""
