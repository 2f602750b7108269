"""What the pages show, in the words of `nri_core.snippets`: so that Share can say how to repeat it without the app."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nri_core.presets import Preset
from nri_core.snippets import Changed, Data, Example, File, HeldOut, Inside, Measured, Method, Model, Read, SideBySide, project_path
from nri_core.trajectories import Trajectories
from ui import samples, state
from ui.controls import hidden
from ui.state import Dataset

if TYPE_CHECKING:
    from ui.inside import Followed

_KEPT = "your dataset, as the command under Your data or the download under Simulate writes it"


def data_of(dataset: Dataset) -> Data:
    """Where the data come from."""
    model = state.own_model()
    if dataset.sample:
        return File(path=project_path(samples.SAMPLE_DATA / f"{dataset.sample}.npz"))
    if dataset.held_out and model and model.run:
        return HeldOut(run=model.run)
    if dataset.made:
        from ui.simulations import read, screen  # torch: the landing page opens without it

        return screen(*read(dataset.made)).data
    return File(path="data.npz", note=_KEPT)


def compared(dataset: Dataset, reader: Model | Method, data: Trajectories, system: int) -> Read:
    """A system of Compare."""
    return Read(data=data_of(dataset), reader=reader, **_looked_at(dataset, data, system))


def side_by_side(dataset: Dataset, readers: Sequence[Model | Method], data: Trajectories, system: int) -> SideBySide:
    """A system of Compare, read by several."""
    return SideBySide(data=data_of(dataset), readers=tuple(readers), **_looked_at(dataset, data, system))


def _looked_at(dataset: Dataset, data: Trajectories, system: int) -> dict[str, Any]:
    return {"system": system, "truth": _known(data), "first": data.num_sims if data.num_sims < dataset.trajectories.num_sims else None}


def _known(data: Trajectories) -> bool:
    return data.edge_types is not None and not hidden("truth")


def taught(data: str | Data, reader: Path | Method, system: int, *, inference: str | None = None, **seen: Any) -> Read:
    """A system of a lesson: shipped ones by their name, or simulated; a model by its folder, or a method; what is seen of it as `Read` takes it."""
    shipped = isinstance(data, str)
    if isinstance(reader, Path):
        reader = Model(folder=project_path(reader), inference=inference, forecasts=shipped and not seen)
    data = File(path=project_path(samples.SAMPLE_DATA / f"{data}.npz")) if shipped else data
    return Read(data=data, reader=reader, system=system, truth=not hidden("truth"), **seen)


def example(path: Path, preset: Preset, moved: Preset, system: int) -> Read:
    """A system of an example, with what was moved in it."""
    changes = {name: getattr(moved, name) for name in Preset.model_fields if name != "frames" and getattr(moved, name) != getattr(preset, name)}
    kind, _, method = moved.reader.partition(":")
    if kind == "baseline":
        return taught(Example(path=project_path(path), changes=changes), Method(name=method, window=moved.frames, options=moved.options), system)
    data = Example(path=project_path(path), changes=changes, frames=moved.frames if moved.frames < samples.window(moved.reader) else None)
    return taught(data, samples.folder(moved.reader), system, inference=moved.options.get("inference"))


def measured(dataset: Dataset, reader: Model, by: str, *, beside: str, fresh: bool) -> Measured:
    """A curve of Compare."""
    return Measured(folder=reader.folder, by=by, inference=reader.inference, beside=beside, data=None if fresh else data_of(dataset))


def explored(chosen: str, shown: samples.Sample, system: int) -> Read:
    """A system of Explore."""
    own, data = chosen == state.own_systems(), shown.trajectories
    model = state.model() if own else state.shipped_model(chosen)
    source = data_of(state.dataset() if own else state.shipped_dataset(chosen))
    return Read(
        data=HeldOut(run=model.run) if own and model.run else source,
        reader=Model(folder=project_path(model.folder), forecasts=shown.forecast is not None),
        system=system,
        truth=_known(data),
        first=data.num_sims if own and data.num_sims == samples.MOST_EXPLORED else None,
    )


def inside(dataset: Dataset, model: state.Model, followed: "Followed", stage: str) -> Inside:
    """A stage of "Inside the model"."""
    names, (receiver, sender) = dataset.trajectories.node_names, followed.edge
    drawn = {"frame": followed.frame, "temperature": followed.temperature, "seed": followed.seed, "passed": followed.passed}
    edge = {"edge": followed.edge, "names": (names[receiver], names[sender])}
    return Inside(data=data_of(dataset), folder=project_path(model.folder), system=followed.system, stage=stage, drawn=drawn, **edge)


def asked(dataset: Dataset, model: state.Model, system: int) -> Changed:
    """A system of What if, with nothing changed."""
    return Changed(data=data_of(dataset), folder=project_path(model.folder), system=system)
