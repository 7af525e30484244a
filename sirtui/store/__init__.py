"""The SQLite index over the runs' files, and the only SQL. Delete it, and the next reader builds it again.

`Store` is the room's door, `rows` is what it answers with, `follow` tells when to look again. Behind the door: `scan` reads
files, `journal` what stages told, `status` and `eta` conclude (pure), `ingest` and `write` bring the index up to date,
`queries` ask it, `view` and `find` put answers together; `schema` is its tables and `packing` their cells, `database` its file,
`migrate` brings it to this version, `aside` keeps what it was, `place` says where it lies, `sqlite` by which SQLite it is read;
`problems` tells what stands in the way. The store never writes a file of a run, and nothing that must last stands in it alone.
Importing it loads neither SQLite nor watchfiles, asking it no sqlite-utils: that comes with the first write.
"""

from sirtui.store.store import Store

__all__ = ["Store"]
