"""Model trees: how a directory of weights becomes a model in memory, and the other way round."""
