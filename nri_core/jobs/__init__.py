"""Training runs that outlive the page which asked for them: each is a process of its own and a folder of files.

Run directory: config.json (what was asked), status.json (what happens, always replaced whole), metrics.jsonl (a line an
epoch), train.npz, valid.npz, watch.npz, snapshots/000001.npz (the graph inferred after that epoch), checkpoint/000001/
(the newest counts), log.txt, cancel (present once somebody asked to stop).
"""

from nri_core.jobs.contract import RunConfig, RunStatus
from nri_core.jobs.keeper import keep
from nri_core.jobs.queue import Usage, advance, usage
from nri_core.jobs.run import Run, list_runs, open_run
from nri_core.jobs.submission import prepare, submit

__all__ = ["Run", "RunConfig", "RunStatus", "Usage", "advance", "keep", "list_runs", "open_run", "prepare", "submit", "usage"]
