"""The screens. Each is given snapshots and shows them; what a person wants goes up to the app as a message."""
