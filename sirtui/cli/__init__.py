"""The commands, one file each: the only room that knows all the others.

Nothing heavy is imported before a command needs it.
"""
