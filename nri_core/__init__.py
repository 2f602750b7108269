"""Neural relational inference without a user interface: simulate, train, infer and forecast interacting systems."""
