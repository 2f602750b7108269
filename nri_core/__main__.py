"""`python -m nri_core VERB`: everything that the app does, without it."""

import sys

from nri_core.command_line import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
