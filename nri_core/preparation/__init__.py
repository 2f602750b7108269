"""From a recording as it came to trajectories that can be learned from: what is wrong with it, and what mends it."""
