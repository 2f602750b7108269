"""The scripts behind every figure in the README: `python -m nri_core bench NAME --json`."""
