"""export DATA.npz --out FILE"""

import argparse
from pathlib import Path
from typing import Any

from nri_core.command_line.fields import add_json
from nri_core.errors import ConfigError
from nri_core.exporters import EXPORTERS, MOTIONS, VIEWS, View, check_destination, write_graph
from nri_core.exporters.graphs import write_dynamic_gexf
from nri_core.posterior import EdgePosterior, PosteriorOverTime
from nri_core.trajectories import Trajectories


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The ending of the file says what is written."""
    parser.add_argument("data", type=Path, metavar="DATA.npz", help="trajectories")
    endings = f"motion: .{', .'.join(MOTIONS)}; what one sees: .{', .'.join(VIEWS)}; the graph of --posterior: .{', .'.join(EXPORTERS)}"
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help=f"file to write. {endings}")
    parser.add_argument("--posterior", type=Path, metavar="posterior.npz", help="what a model believes of the pairs (infer --out posterior.npz)")
    parser.add_argument("--over-time", type=Path, metavar="over_time.npz", help="beliefs of windows (infer --stride), for a GEXF with time and for views whose edges change")
    parser.add_argument("--forecast", type=Path, metavar="forecast.npz", help="a forecast of these trajectories, for the player")
    parser.add_argument("--sim", type=int, default=0, help="the simulation to show, counted from 0")
    parser.add_argument("--frame", type=int, default=0, help="the frame of a picture")
    parser.add_argument("--threshold", type=float, default=0.5, help="pairs at least so probable to interact count as edges")
    parser.add_argument("--title", default="", help="title of a view")
    add_json(parser)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Write in the format of the ending."""
    form = check_destination(options.out, tuple(dict.fromkeys((*EXPORTERS, *MOTIONS, *VIEWS))))
    data = Trajectories.load(options.data)
    if not 0 <= options.threshold <= 1:
        raise ConfigError(f"Expected --threshold from 0 to 1; found {options.threshold:g}.")
    if form in VIEWS:
        posterior = EdgePosterior.load(options.posterior) if options.posterior else None
        posterior = PosteriorOverTime.load(options.over_time) if options.over_time else posterior
        forecast = Trajectories.load(options.forecast) if options.forecast else None
        title = options.title or options.data.stem
        view = View(data, options.sim, posterior, options.sim, forecast, options.sim, options.frame, options.threshold, title)
        VIEWS[form](view, options.out)
    elif form in MOTIONS and (options.posterior is None or form not in EXPORTERS):
        MOTIONS[form](data, options.out)
    elif options.over_time is not None and form == "gexf":
        over_time = PosteriorOverTime.load(options.over_time)
        steps = [after - before for before, after in zip(over_time.starts, over_time.starts[1:], strict=False)]
        write_dynamic_gexf(over_time, options.sim, options.out, dt=data.dt, window=steps[-1] if steps else data.num_steps, threshold=options.threshold)
    elif options.posterior is None:
        raise ConfigError(f"Expected --posterior for a graph as .{form}; found none. Make it with: python -m nri_core infer MODEL DATA.npz --out posterior.npz")
    else:
        write_graph(EdgePosterior.load(options.posterior), options.out, sim=options.sim, threshold=options.threshold)
    return {"out": options.out, "bytes": options.out.stat().st_size, "num_sims": data.num_sims, "num_nodes": data.num_nodes}
