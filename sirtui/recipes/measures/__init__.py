"""Families of measures, one a file."""
