"""What `sirtui doctor` looks at, one function a check: it takes a `Ground` and says what it found.

    finding.py    what a check says, and the ways to ask programs
    software.py   Python, sirtui, the libraries of the stages, SQLite
    hardware.py   GPUs, CPUs, memory, shared memory        cgroup.py  what the cgroup leaves of them
    storage.py    the store's folder, its disk and its file system
    kernel.py     processes, limits, inotify               sandbox.py  bubblewrap
    trial.py      a child that tries what a stage's guard relies on, and user namespaces
    session.py    terminal, tmux, logging out, Slurm
    checks.py     all of them in order, each bounded in time

Nothing is imported here that takes long, nothing is written but a few files that are removed again.
"""
