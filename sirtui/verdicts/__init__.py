"""The statistics: pure functions over arrays. No file, clock or randomness."""
