"""`python -m sirtui.cli`: the same as `sirtui`."""

import sys

from sirtui.cli import main

if __name__ == "__main__":
    sys.exit(main())
