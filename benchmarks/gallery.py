"""Recorded data from the raw file to a rendered inference, and what was found: writes GALLERY.md beside the README.

The data are those of `$NRI_SHARED_DATA`, or `../shared/data`; none of them is part of this project.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from nri_core.checkpoint import Checkpoint
from nri_core.credibility import ALONE, SEED, assess, conclude, trainings
from nri_core.holdout import split
from nri_core.importers import read
from nri_core.importers.truth import with_truth
from nri_core.inference import forecast_start, infer_edges, infer_windows, rollout
from nri_core.metrics import edge_figures, forecast_error, static_error
from nri_core.network_baselines import BASELINES
from nri_core.player.payload import payload
from nri_core.posterior import EdgePosterior
from nri_core.preparation import Fix, Plan, prepare, to_trajectories
from nri_core.preparation.gaps import Gather, Resample
from nri_core.preparation.motion import Centre, Velocities
from nri_core.preparation.parts import DropTrials, SplitTrials
from nri_core.recording import Recording
from nri_core.settings import PRESETS, TrainConfig, suited
from nri_core.storage import write_text
from nri_core.suggestions import suggested
from nri_core.training import fit
from nri_core.trajectories import ARRAYS, Trajectories

PROJECT = Path(__file__).parents[1]
SECONDS = 40.0  # of each training
MOST_AHEAD = 10
SEEDED = {"threads": 1, "keep_best": True}


@dataclass(frozen=True)
class Entry:
    """A data set: its files, what is said of them, how they are prepared and learned from."""

    title: str
    files: tuple[str, ...]
    look: str
    options: Mapping[str, Any] = field(default_factory=dict)
    truth: str = ""
    fixes: tuple[Fix, ...] = ()
    window: int | None = None
    stride: int | None = None
    recipe: Mapping[str, Any] = field(default_factory=dict)
    slower: float = 1.0  # times the usual budget
    stripe: int = 0  # frames between two graphs over time


WALKS = ("cmu35_amc_120fps/35.asf", *(f"cmu35_amc_120fps/35_{number:02d}.amc" for number in range(1, 17)))
SKELETON = {  # Kipf et al. 2018, section 5.2: MLP encoder, RNN decoder, a silent first type; narrower here, for one CPU
    "encoder": "mlp", "decoder": "rnn", "objective": "elbo", "inference": "encoder", "forecaster": "none", "likelihood": "gaussian", "undirected": False,
    "symmetries": False, "encoder_hidden": 64, "decoder_hidden": 64, "batch_size": 8, "epoch_size": 32, "burn_in": 25, "learning_rate": 2e-3, "edge_prior": (0.9, 0.1), "window": 49,
}  # fmt: skip
ENTRIES: dict[str, Entry] = {
    "walking": Entry(
        "A walking person (CMU subject 35, 31 joints)", WALKS, "Which joints help to predict which others? Bones are drawn, but the model is never told of them.",
        fixes=(Velocities(), Centre(of="frame")), window=74, stride=37, recipe=SKELETON, slower=4, stripe=8,
    ),
    "pick and roll": Entry(
        "Basketball, five around the ball (derived pick-and-roll windows)", ("nba_pnr_derived/pnr_train.npz",),
        "Nodes 1 to 5: ball, handler, screener, the handler's defender, the screener's defender.", fixes=(Velocities(),), options={"unit": "ft"},
    ),
    "starters": Entry(
        "Basketball, ten players (Cleveland, 4 games)",
        ("nba_cle_starters/player_coords_val__with_4_games.npy", "nba_cle_starters/example_stop_idxs_val__with_4_games.npy"),
        "The first five play for one team, the last five for the other.", options={"rate": 5.0}, fixes=(DropTrials(shortest=40), Velocities()), window=40, stride=20,
    ),
    "fish": Entry(
        "Eight zebrafish", ("fish_trajectorytools/fish8_28fps.npy",), "Tracked from video; gaps are left as they are, and masked.", options={"unit": "px"},
        fixes=(SplitTrials(parts=10), Velocities()), window=25, stride=5,
    ),
    "pedestrians": Entry(
        "Pedestrians in a street (UCY Zara 1)", ("eth_ucy_pedestrians/crowds_zara01.txt",), "People come and go: windows hold the five who are closest together.",
        options={"rate": 25.0, "unit": "m"}, fixes=(Resample(rate=2.5), SplitTrials(parts=10), Gather(nodes=5, length=16, stride=4)),
    ),
    "brain": Entry(
        "Simulated fMRI (NetSim 1)", ("netsim_fmri/sim1.mat",), "Five regions, one directed graph for all fifty subjects; a frame is 3 s.",
        recipe={"undirected": False}, window=50, stride=50, options={"rate": 1 / 3},
    ),
    "genes": Entry(
        "Gene expression in silico (DREAM4, size 10, network 1)", ("dream4/insilico_size10_1_timeseries.tsv",),
        "Five series of 21 times only, one directed graph.", options={"stacked": 21}, truth="dream4/insilico_size10_1_goldstandard.tsv",
        recipe={"undirected": False}, window=11, stride=2,
    ),
    "switching": Entry(
        "A relation that switches on and off (dNRI's synthetic set)", ("dnri_synth/train_feats", "dnri_synth/train_edges"),
        "The graph of each short window, against the truth that holds there.", window=None, recipe={"window": 12}, stripe=4,
    ),
}  # fmt: skip


def main() -> dict[str, Any]:
    """Study everything; write the document, and give its figures."""
    folder = Path(os.environ.get("NRI_SHARED_DATA", PROJECT.parent / "shared" / "data"))
    wanted = os.environ.get("NRI_GALLERY", "").split(",") if os.environ.get("NRI_GALLERY") else list(ENTRIES)
    studies = {name: study(ENTRIES[name], folder, seconds=SECONDS) for name in wanted}
    if set(wanted) == set(ENTRIES):
        write_text(PROJECT / "GALLERY.md", document(studies))
    return {"rows": [{"name": name, **figures} for name, figures in studies.items()]}


def study(entry: Entry, folder: Path, *, seconds: float) -> dict[str, Any]:
    """From the raw files to figures; everything is rendered once, as the player would show it."""
    print(entry.title, file=sys.stderr, flush=True)
    data = trajectories(entry, folder)
    rest, test = split(data, valid_fraction=0.2)
    train, valid = (shorter(part, entry.recipe.get("window")) for part in split(rest, valid_fraction=0.2))
    config = recipe(entry, train, seconds * entry.slower)
    model = _trained(train, valid, config)
    others = {name: _trained(part, valid, settings) for name, (part, settings) in trainings(train, config).items() if name in (SEED, ALONE)}
    posterior = infer_edges(model, test)
    found = {
        "recordings": len(np.unique(data.trials)), "windows": data.num_sims, "nodes": data.num_nodes, "frames": data.num_steps,
        "observed": 1.0 if data.observed is None else float(data.observed.mean()),
        "recipe": f"{config.encoder} + {config.decoder}, {config.objective}", "seconds": seconds * entry.slower,
        **forecasts(model, others[ALONE], test),
        "edges": float((posterior.edge_types != 0)[..., ~np.eye(data.num_nodes, dtype=bool)].mean()),
        **against_truth(posterior, test),
        **strongest(posterior),
    }  # fmt: skip
    assessment = assess(model, others, test)
    found["agreement"] = None if assessment.seeds is None else assessment.seeds.kappa
    found["conclusions"] = [conclusion.sentence for conclusion in conclude(assessment)]
    found |= over_time(model, test, entry.stripe) if entry.stripe else {}
    found["rendered"] = len(payload(test, posterior=posterior))
    return found


def trajectories(entry: Entry, folder: Path) -> Trajectories:
    """Read, mended and cut."""
    recording = read([folder / name for name in entry.files], options=dict(entry.options))
    recording = with_truth(recording, folder / entry.truth) if entry.truth else recording
    prepared: Recording = prepare(recording, entry.fixes)
    return to_trajectories(prepared, window=entry.window, stride=entry.stride) if entry.window else Plan().cut(prepared)


def shorter(data: Trajectories, window: int | None) -> Trajectories:
    """Windows one after another, where models are to read less than there is: training reads the first frames only."""
    if window is None or window >= data.num_steps:
        return data
    parts = [data.select(slice(None), frames=slice(start, start + window)) for start in range(0, data.num_steps - window + 1, window)]
    together = {name: np.concatenate([getattr(part, name) for part in parts]) for name in ARRAYS if getattr(data, name) is not None}
    return replace(data, **together)


def recipe(entry: Entry, train: Trajectories, seconds: float) -> TrainConfig:
    """`live` with the parts that suit the features and what is suggested, then what the entry asks for."""
    start = suited(PRESETS["live"], train.edge_type_names, train.feature_names)
    window = min(start.window, train.num_steps)
    start = suggested(train, start).model_dump() | SEEDED | {"window": window, "max_seconds": seconds, "forecaster": "none"}
    return TrainConfig(**start | dict(entry.recipe))


def forecasts(model: Checkpoint, alone: Checkpoint, data: Trajectories) -> dict[str, Any]:
    """Squared errors of forecasts of held-out motion, as ratios: below 1 is better than that baseline. None where nothing can be compared."""
    start = min(forecast_start(model, data), data.num_steps - 2)
    ahead = min(MOST_AHEAD, data.num_steps - start - 1)
    past = data.select(slice(None), frames=slice(0, max(start + 1, model.config.window if model.config.settings.encoder in ("mlp",) else 0)))
    forecast = rollout(model, data, infer_edges(model, past), start=start, num_steps=ahead)
    own = _mean(forecast_error(forecast, data))
    found: dict[str, Any] = {"frames_ahead": ahead, "against_standing_still": own / _mean(static_error(forecast, data))}
    found["against_no_interaction"] = own / _mean(forecast_error(rollout(alone, data, None, start=start, num_steps=ahead), data))
    if (steady := constant_velocity(forecast, data)) is not None:
        found["against_constant_velocity"] = own / _mean(forecast_error(steady, data))
    if model.config.settings.encoder != "none" and start >= model.config.window - 1:
        found["dynamic_against_static_graph"] = _mean(forecast_error(rollout(model, data, None, start=start, num_steps=ahead, dynamic=True), data)) / own
    return found


def constant_velocity(forecast: Trajectories, data: Trajectories) -> Trajectories | None:
    """Everybody goes on as in the last frame; None without velocities."""
    names = data.feature_names
    moving = [(names.index(axis), names.index(f"v{axis}")) for axis in "xyz" if f"v{axis}" in names]
    if not moving:
        return None
    last = data.values[:, forecast.metadata["start"], None]
    values = np.repeat(last, forecast.num_steps, axis=1).copy()
    ahead = data.dt * np.arange(1, forecast.num_steps + 1)[:, None]
    for place, speed in moving:
        values[..., place] += ahead * last[..., speed]
    seen = None if data.observed is None else np.repeat(data.observed[:, forecast.metadata["start"], None], forecast.num_steps, axis=1)
    return Trajectories(values, names, dt=data.dt, node_names=data.node_names, observed=seen, metadata=dict(forecast.metadata))


def against_truth(posterior: EdgePosterior, data: Trajectories) -> dict[str, Any]:
    """Accuracy up to relabelling and AUROC where the graph is known and does not change, beside those of classical methods."""
    if data.edge_types is None or data.edge_types.ndim == 4:
        return {}
    ours = edge_figures(posterior, data)
    truth = (data.edge_types > 0)[:, ~np.eye(data.num_nodes, dtype=bool)]
    found = {"edge_accuracy": ours["edge_accuracy"], "auroc": ours["auroc"], "by_guessing_the_commoner": float(max(truth.mean(), 1 - truth.mean()))}
    for name in ("correlation", "granger"):
        options = {"undirected": False} if name == "granger" else {}
        found[f"auroc_{name}"] = edge_figures(BASELINES[name](data, **options), data)["auroc"]
    return found


def strongest(posterior: EdgePosterior) -> dict[str, Any]:
    """The pairs believed in most, on average over the held-out windows: sender → receiver."""
    weight = (1 - posterior.edge_probs[..., 0]).mean(0) * ~np.eye(len(posterior.node_names), dtype=bool)
    order = np.argsort(-weight, axis=None)[:5]
    pairs = [np.unravel_index(place, weight.shape) for place in order]
    names = posterior.node_names
    return {"strongest": [f"{names[sender]} → {names[receiver]} ({weight[receiver, sender]:.2f})" for receiver, sender in pairs]}


def over_time(model: Checkpoint, data: Trajectories, stride: int) -> dict[str, Any]:
    """How much the graph of a window differs from that of the next; accuracy where the truth over time is known."""
    windows = infer_windows(model, data, stride=stride)
    types = np.stack([window.edge_types for window in windows.windows])
    off = ~np.eye(data.num_nodes, dtype=bool)
    found: dict[str, Any] = {"graphs_over_time": len(types), "pairs_that_change": float((types[1:] != types[:-1])[..., off].mean()) if len(types) > 1 else 0.0}
    if data.edge_types is not None and data.edge_types.ndim == 4:
        middle = [start + model.config.window // 2 for start in windows.starts]
        right = (types == data.edge_types[:, middle].swapaxes(0, 1))[..., off].mean()
        found |= {"accuracy_over_time": float(max(right, 1 - right)), "share_of_edges": float(data.edge_types[:, middle][..., off].mean())}
    return found


def document(studies: Mapping[str, dict[str, Any]]) -> str:
    """The gallery as Markdown; every figure in it comes from this run."""
    lines = [
        "# Gallery: recorded data", "",
        f"Written by `python -m nri_core bench gallery` on {date.today():%Y-%m-%d}: each line goes from the raw files to held-out figures, on one CPU thread, with the",
        f"training time that stands in it ({SECONDS:.0f} s and more; the paper's motion capture took hours on a GPU). One fifth of the recordings is held out as a test",
        "set, one fifth of the rest chooses the epoch. **These are small budgets on small data: weak results are shown as they are.** None of the data comes with this",
        "project; each source is named. Error ratios below 1 are better than the baseline named; agreement is Cohen's κ between two seeds (1: the same graph, 0: chance).", "",
        "| data | recordings, windows | nodes | recipe, s | error against: nobody moves | constant velocity | no interaction | agreement of seeds | AUROC (correlation, Granger) |",
        "|---|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name, found in studies.items():
        auroc = f"{_two(found.get('auroc'))} ({_two(found.get('auroc_correlation'))}, {_two(found.get('auroc_granger'))})" if "auroc" in found else "–"
        row = (
            ENTRIES[name].title, f"{found['recordings']}, {found['windows']}", found["nodes"], f"{found['recipe']}, {found['seconds']:.0f}",
            _two(found["against_standing_still"]), _two(found.get("against_constant_velocity")), _two(found["against_no_interaction"]), _two(found["agreement"]), auroc,
        )  # fmt: skip
        lines.append("| " + " | ".join(map(str, row)) + " |")
    for name, found in studies.items():
        lines += ["", f"## {ENTRIES[name].title}", "", ENTRIES[name].look, ""]
        lines += [f"- {sentence}" for sentence in (*_sentences(found), *found["conclusions"])]
    return "\n".join(lines) + "\n"


def _sentences(found: Mapping[str, Any]) -> list[str]:
    said = [f"{found['edges']:.0%} of the ordered pairs are read as edges. Believed in most: {', '.join(found['strongest'])}."]
    if found["observed"] < 1:
        said.append(f"{1 - found['observed']:.1%} of all sightings are missing; they are masked, not filled.")
    if "dynamic_against_static_graph" in found:
        said.append(f"Asking the encoder again at each step of the forecast (dynamic graphs) gives {_two(found['dynamic_against_static_graph'])} times the error of one graph.")
    if "edge_accuracy" in found:
        said.append(
            f"Pairs named rightly, up to relabelling: {found['edge_accuracy']:.1%}; naming all pairs by the commoner type would give {found['by_guessing_the_commoner']:.1%}."
        )
    if "graphs_over_time" in found:
        said.append(f"{found['graphs_over_time']} graphs over time; {found['pairs_that_change']:.0%} of the pairs change from one to the next.")
    if "accuracy_over_time" in found:
        said.append(
            f"Against the truth in the middle of each window: {found['accuracy_over_time']:.1%} of the pairs, up to relabelling, where {found['share_of_edges']:.0%} are edges."
        )
    return said


def _trained(train: Trajectories, valid: Trajectories, config: TrainConfig) -> Checkpoint:
    return [record.checkpoint for record in fit(train, valid, config, device="cpu")][-1]


def _mean(errors: np.ndarray) -> float:
    return float(np.nanmean(errors))


def _two(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


