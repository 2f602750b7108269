"""The paper's Tables 1 and 2 run again: the cells, the protocol, the budget, and the tables that come out.

`paper`, `results` and `tables` need no torch, so that a page shows what was measured at once.
"""
