"""From frozen rows to tables: pure functions, no widget, no clock, no arithmetic on measures.

`table` is what a table is and how it is laid out in a width; the others make one of a kind each.
"""
