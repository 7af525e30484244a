"""Logs of any size: read by byte offsets, only what is visible is ever decoded.

`file` finds lines, `window` is what one sees of them, `search` looks through them. No widget is in here.
"""
