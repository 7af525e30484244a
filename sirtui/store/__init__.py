"""The SQLite index over the runs' files, and the only SQL. Delete it, and the next reader builds it again.

`rows` is what it answers with.
"""
