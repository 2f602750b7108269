"""Neural relational inference without a user interface: simulate, train, infer and forecast interacting systems."""

import os

# Where processes share a few cores, threads of torch that wait by spinning slow everything down more than tenfold.
# It must be said before torch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
