"""Benchmarks, one a file."""
