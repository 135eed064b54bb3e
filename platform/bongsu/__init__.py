"""Bongsu: the control plane that moves A.X models from data to registered, verified bytes."""

__version__ = "0.1.0"
