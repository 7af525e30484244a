"""The widgets, all painted line by line: after a change only the cells that differ go to the terminal."""
