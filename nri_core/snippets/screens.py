"""What is on a page, each with the Python and the commands that repeat it."""

from collections.abc import Iterator
from typing import Any

from nri_core.snippets.sources import Data, Method, Model, Simulated
from nri_core.snippets.text import PATH, Code, Frozen, arguments, as_set, literal, shell


class Made(Frozen):
    """Simulate: systems of one law."""

    data: Simulated

    def python(self) -> str:
        """Simulate and save."""
        told = 'print(data.values.shape, "[sim, time, node, dim]", data.edge_types.shape, "[sim, receiver, sender]")'
        return str(self.data.python() + Code(imports=PATH, lines=('data.save(Path("data.npz"))', told)))

    def command(self) -> str:
        """The same."""
        return "\n".join(self.data.commands()[0])


class Read(Frozen):
    """Explore, Compare, Learn: who reads which graphs, and the system in view, counted from 0.

    `first`: only so many systems are looked at, `frames`: so many frames; `unseen`: a node that the reader does not see; `charges`: what is read is made one that charges explain.
    """

    data: Data
    reader: Model | Method
    system: int = 0
    truth: bool = True
    first: int | None = None
    frames: int | None = None
    unseen: int | None = None
    charges: bool = False

    def python(self) -> str:
        """Read every graph, and score them where the truth is known."""
        given = self.data.python() + _some(self.first, self.frames)
        if self.unseen is not None:
            given += Code(imports={"nri_core.unseen": ("without_node",)}, lines=(f"data = without_node(data, {self.unseen})  # counted from 0",))
        read = self.reader.python(self.system)
        if self.charges:
            read += Code(imports={"nri_core.charges": ("as_charges",)}, lines=("posterior = as_charges(posterior)",))
        return str(given + read + self._result())

    def _result(self) -> Code:
        place = f"[{self.system}]"
        if not self.truth:
            return Code(lines=(f"print(posterior.edge_probs{place})  # [receiver, sender, edge type]",))
        lines = (
            "score = score_edges(posterior, data)  # types go by the names that fit best",
            f'print(f"{{100 * score.accuracy:.1f}} % right, system {self.system + 1}: {{100 * score.accuracy_by_sim{place}:.1f}} %")',
        )
        return Code(imports={"nri_core.metrics": ("score_edges",)}, lines=lines)

    def command(self) -> str:
        """Score, and write the graph in view to a file."""
        before, path = self.data.commands()
        before += _all(self.first, self.frames)
        if self.unseen is not None:
            before.append("# every node is seen here: only Python hides one")
        if self.charges:
            before.append("# pair by pair: only Python finds the charges")
        scored = [self.reader.command("evaluate", path, "--json")] if self.truth and not getattr(self.reader, "inference", None) else []
        return "\n".join([*before, *scored, self.reader.command("infer", path, "--sim", str(self.system), "--out", "graph.csv")])


def _some(first: int | None, frames: int | None = None) -> Code:
    """Only so many systems and frames."""
    if not first and not frames:
        return Code()
    systems = f"slice(0, {first})" if first else "slice(None)"
    return Code(lines=(f"data = data.select({systems}{f', frames=slice(0, {frames})' if frames else ''})",))


def _all(first: int | None, frames: int | None = None) -> list[str]:
    """What commands cannot leave out."""
    seen = " and ".join(f"the first {count:,} {what}" for count, what in ((first, "systems"), (frames, "frames")) if count)
    return [f"# the page looks at {seen}, these commands at all"] if seen else []


class SideBySide(Frozen):
    """Compare, "Several readers": each of them reads the same graphs."""

    data: Data
    readers: tuple[Model | Method, ...]
    system: int = 0
    truth: bool = True
    first: int | None = None

    def python(self) -> str:
        """What each gets right, in all systems and in the one in view; where the truth is unknown, what each believes."""
        told = (
            Code(imports={"nri_core.metrics": ("score_edges",)}, lines=(f"print((score := score_edges(posterior, data)).accuracy, score.accuracy_by_sim[{self.system}])",))
            if self.truth
            else Code(lines=(f"print(posterior.edge_probs[{self.system}])",))
        )
        code = self.data.python() + _some(self.first)
        for reader in self.readers:
            code += (reader.model_copy(update={"forecasts": False}) if isinstance(reader, Model) else reader).python(self.system) + told
        return str(code)

    def command(self) -> str:
        """The graph of each, in a file of its own."""
        before, path = self.data.commands()
        lines = (reader.command("infer", path, "--sim", str(self.system), "--out", f"graph_{number}.csv") for number, reader in enumerate(self.readers, 1))
        return "\n".join([*before, *_all(self.first), *lines])


class Imported(Frozen):
    """Your data: files, the plan of what was understood and mended, as JSON holds it, and the line that the command line has for it."""

    files: tuple[str, ...]
    plan: dict[str, Any]
    line: str
    known: tuple[str, bool] = ("", False)  # a file of the true graph, and whether each of its edges acts both ways

    def python(self) -> str:
        """Read, mend, cut, save."""
        path, both_ways = self.known
        known = (f"recording = with_truth(recording, Path({literal(path)}), both_ways={both_ways})",) if path else ()
        imports = {"nri_core.importers": ("read",), "nri_core.preparation": ("Plan", "prepare"), **PATH, **({"nri_core.importers.truth": ("with_truth",)} if path else {})}
        files = ", ".join(f"Path({literal(name)})" for name in self.files)
        lines = (
            f"plan = Plan.of({arguments(self.plan)})",
            f"recording = read([{files}], form=plan.form, options=plan.options)",
            *known,
            "data = plan.cut(prepare(recording, plan.fixes))",
            'data.save(Path("data.npz"))',
            'print(data.values.shape, "[sim, time, node, dim]")',
        )
        return str(Code(imports=imports, lines=lines))

    def command(self) -> str:
        """The same."""
        return self.line


class Trained(Frozen):
    """Train: a preset, suited to the data, and what differs from it. Without `valid`, the last systems are held out."""

    data: Data
    preset: str
    changes: dict[str, Any] = {}
    valid: str = ""
    device: str = ""

    def python(self) -> str:
        """Train here and now, a line an epoch."""
        imports = {"nri_core.settings": ("PRESETS", "suited"), **PATH, "nri_core.training": ("fit",)}
        changed = f".model_copy(update={literal(self.changes)})" if self.changes else ""
        apart = f"train, valid = data, Trajectories.load(Path({literal(self.valid)}))" if self.valid else "train, valid = split(data)  # the last systems are held out"
        imports |= {"nri_core.trajectories": ("Trajectories",)} if self.valid else {"nri_core.holdout": ("split",)}
        lines = (
            apart,
            f"config = suited(PRESETS[{literal(self.preset)}], data.edge_type_names, data.feature_names){changed}",
            f"for record in fit(train, valid, config{f', device={literal(self.device)}' if self.device else ''}):",
            "    print(record.epoch, record.valid_loss, record.edge_accuracy)",
            'record.checkpoint.save(Path("model"))',
        )
        return str(self.data.python() + Code(imports=imports, lines=lines))

    def command(self, out: str = "model") -> str:
        """The same."""
        before, path = self.data.commands()
        words = [path, *(["--valid", self.valid] if self.valid else []), "--preset", self.preset]
        words += [*(["--device", self.device] if self.device else []), "--out", out, *as_set(self.changes)]
        return "\n".join([*before, shell("train", *words)])


class Changed(Frozen):
    """What if: one system with other starts, true edges and inferred edges, types as the law and as the model number them; all counted from 0.

    `starts` by node and features, a pair as (receiver, sender), `both_ways` for the true graph; `followed`: if the law is known, `inferred` as it numbers them, in both directions.
    """

    data: Data
    folder: str
    system: int
    starts: tuple[tuple[int, tuple[str, ...], tuple[float, ...]], ...] = ()
    truth: tuple[tuple[int, int, int], ...] = ()
    both_ways: bool = True
    inferred: tuple[tuple[int, int, int], ...] = ()
    followed: tuple[tuple[int, int, int], ...] = ()

    def python(self) -> str:
        """How far off the forecast is, with the change and without, and what the law says to it."""
        imports = {"nri_core.checkpoint": ("Checkpoint",), "nri_core.inference": ("forecast_start", "infer_edges"), "nri_core.what_if": ("HORIZON", "answer_to_cut", *(("answer_of_law", "edited", "law_of") if self.followed else ())), **PATH}
        head = (f"model = Checkpoint.load(Path({literal(self.folder)}))", f"one = data.select(slice({self.system}, {self.system + 1}))")
        changes = {(receiver, sender): kind for receiver, sender, kind in self.inferred}
        lines = (
            "graph, start = infer_edges(model, one).edge_types[0], forecast_start(model, one)",
            f"changes = {changes!r}  # (receiver, sender): type, as the model numbers them; -1 is none",
            "forecast, errors = answer_to_cut(model, one, graph, changes, start=start, num_steps=min(HORIZON, one.num_steps - start - 1))",
            *self._followed(),
            'print({name: f"{50 * error**0.5:.2g} %" for name, error in errors.items()})  # of the range of the training data',
        )
        return str(self.data.python() + Code(lines=head) + self._moved() + Code(imports=imports, lines=lines))

    def _followed(self) -> Iterator[str]:
        if self.followed:
            same = {(receiver, sender): kind for receiver, sender, kind in self.followed}
            yield f"true, same = one.edge_types[0], {same!r}  # as the law numbers them"
            yield '_, errors["moved_truly"], errors["error_against_truth"] = answer_of_law(law_of(one), one, true, edited(true, same, both_ways=False), forecast)'

    def _moved(self) -> Code:
        if not self.starts and not self.truth:
            return Code()
        truth = {(receiver, sender): kind for receiver, sender, kind in self.truth}
        placed = [f"first[0, {node}, [{', '.join(f'feature({literal(name)})' for name in names)}]] = {at}" for node, names, at in self.starts]
        lines = (
            "first, feature = one.values[:, 0].astype(float), one.feature_names.index",
            *placed,
            f"true = edited(one.edge_types[0], {truth!r}, both_ways={self.both_ways})[None]",
            "one = replace(one, values=simulate_from(law_of(one), first, true, num_steps=one.num_steps).values, edge_types=true)",
        )
        return Code(imports={"dataclasses": ("replace",), "nri_core.what_if": ("edited", "law_of", "simulate_from")}, lines=lines)

    def command(self) -> str:
        """The same for inferred edges; starts and true edges are changed in Python alone."""
        before, path = self.data.commands()
        if self.starts or self.truth:
            before.append("# starts and true edges as they were: only Python changes them")
        cut = [f"{sender + 1}-{receiver + 1}" for receiver, sender, kind in self.inferred if kind < 0]
        changed = [f"{sender + 1}-{receiver + 1}={kind}" for receiver, sender, kind in self.inferred if kind >= 0]
        words = [*(["--cut", *cut] if cut else []), *(["--set-edge", *changed] if changed else [])]
        before.append("# errors are mean squares: the page shows 50 * sqrt(error) %; a pair is sender-receiver, counted from 1")
        return "\n".join([*before, shell("what-if", self.folder, path, "--sim", str(self.system), *words, "--json")])


class Inside(Frozen):
    """Inside the model: one edge (receiver, sender) of one system, from the frame from which the next is predicted; all counted from 0."""

    data: Data
    folder: str
    system: int
    edge: tuple[int, int]
    names: tuple[str, str]
    stage: str
    drawn: dict[str, Any] = {}

    def python(self) -> str:
        """The numbers of the stage in view."""
        imports = {"nri_core.checkpoint": ("Checkpoint",), "nri_core.stages": ("stages",), **PATH}
        lines = (
            f"model = Checkpoint.load(Path({literal(self.folder)}))",
            f"found = stages(model, data, {self.system}, {self.edge}, {arguments(self.drawn)})  # (receiver, sender)",
            f"stage = next(stage for stage in found if stage.title == {literal(self.stage)})",
            "print(stage.sentence)",
            "for name, numbers in stage.numbers.items():",
            "    print(name, numbers.rows, numbers.columns, numbers.values)",
        )
        return str(self.data.python() + Code(imports=imports, lines=lines))

    def command(self) -> str:
        """The numbers of every stage."""
        before, path = self.data.commands()
        told = {**self.drawn, "passed": str(self.drawn["passed"]).split()[0].replace("most", "likeliest")} if "passed" in self.drawn else self.drawn
        words = [word for name, value in told.items() for word in (f"--{name}", str(value))]
        edge = ["--sim", str(self.system), "--edge", "-".join(reversed(self.names))]
        return "\n".join([*before, shell("stages", self.folder, path, *edge, *words, "--json")])
