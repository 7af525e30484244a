"""sirtui: run self-improvement loops and see whether each iteration is progress or regress."""

__version__ = "0.1.0"
