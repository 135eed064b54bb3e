"""The loop that moves runs: facts are gathered, a pure function decides, decisions are carried out."""
