"""Asking for a model version: the choice and its evidence. The control plane writes the registry."""
