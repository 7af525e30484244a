"""What things are: pure values and rules.

Every room may import this one; it imports only the standard library and msgspec. A clock, a screen, a database or
randomness never enters: what varies comes in as an argument. `files` alone touches the disk, so that all rooms write
and lock in one way, and `process` alone asks the kernel who lives.
"""
