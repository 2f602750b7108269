"""Where data come from, and who reads them."""

import shlex
from typing import Any

from nri_core.snippets.text import PATH, Code, Frozen, arguments, literal, shell, spelled


class File(Frozen):
    """Trajectories in a file; `note` says how it comes to be there, if not with the project."""

    path: str
    note: str = ""

    def python(self) -> Code:
        """Load it."""
        load = f"data = Trajectories.load(Path({literal(self.path)}))" + (f"  # {self.note}" if self.note else "")
        return Code(imports={"nri_core.trajectories": ("Trajectories",), **PATH}, lines=(load,))

    def commands(self) -> tuple[list[str], str]:
        """What makes the file, and its path."""
        return [f"# {self.path}: {self.note}"] if self.note else [], self.path


class Simulated(Frozen):
    """Trajectories that a law makes: what differs from its usual parameters and from the usual amount."""

    law: str
    parameters: dict[str, Any] = {}
    amount: dict[str, Any] = {}

    def python(self) -> Code:
        """Simulate them."""
        made = f"data = simulate(SYSTEMS[{literal(self.law)}]({arguments(self.parameters)}), Simulation({arguments(self.amount)}))"
        return Code(imports={"nri_core.systems": ("SYSTEMS", "Simulation", "simulate")}, lines=(made,))

    def commands(self, out: str = "data.npz") -> tuple[list[str], str]:
        """Simulate them into a file."""
        words = [word for name, value in {**self.amount, **self.parameters}.items() for word in (f"--{name.replace('_', '-')}", *spelled(value))]
        return [shell("simulate", self.law, *words, "--out", out)], out


class HeldOut(Frozen):
    """What a run did not learn from."""

    run: str

    def python(self) -> Code:
        """Ask the run."""
        return Code(imports={"nri_core.jobs": ("open_run",)}, lines=(f"data = open_run({literal(self.run)}).held_out()",))

    def commands(self, out: str = "held_out.npz") -> tuple[list[str], str]:
        """Save them."""
        saved = f"from pathlib import Path; from nri_core.jobs import open_run; open_run({literal(self.run)}).held_out().save(Path({literal(out)}))"
        return [shlex.join(["python", "-c", saved])], out


class Example(Frozen):
    """The systems of a named example, whose file is at `path`, with what was moved in it; `frames`: only the first ones."""

    path: str
    changes: dict[str, Any] = {}
    frames: int | None = None

    def python(self) -> Code:
        """Simulate them as the file says."""
        return Code(imports={"nri_core.presets": ("Preset",), **PATH}, lines=(f"data = {self._made()}",))

    def commands(self, out: str = "data.npz") -> tuple[list[str], str]:
        """Save them."""
        saved = f"from pathlib import Path; from nri_core.presets import Preset; {self._made()}.save(Path({literal(out)}))"
        return [shlex.join(["python", "-c", saved])], out

    def _made(self) -> str:
        moved = f".model_copy(update={literal(self.changes)})" if self.changes else ""
        cut = f".select(slice(None), frames=slice(0, {self.frames}))" if self.frames else ""
        return f"Preset.load(Path({literal(self.path)})){moved}.data(){cut}"


Data = File | Simulated | HeldOut | Example


class Model(Frozen):
    """A trained model that reads graphs, its own way unless `inference` says another."""

    folder: str
    inference: str | None = None
    forecasts: bool = True

    def python(self, system: int) -> Code:
        """Read, and predict where it can."""
        imports = {"nri_core.checkpoint": ("Checkpoint",), "nri_core.inference": ("infer_edges",), **PATH}
        how = f", inference={literal(self.inference)}" if self.inference else ""
        code = Code(imports=imports, lines=(f"model = Checkpoint.load(Path({literal(self.folder)}))", f"posterior = infer_edges(model, data{how})"))
        return code + self._forecast(system) if self.forecasts else code

    def _forecast(self, system: int) -> Code:
        imports = {"nri_core.inference": ("forecast_start", "rollout"), "nri_core.metrics": ("forecast_error", "static_error"), "numpy": ("nanmedian",)}
        lines = (
            "start = forecast_start(model, data)  # from this frame on, the model is on its own",
            "forecast = rollout(model, data, posterior, start=start, num_steps=data.num_steps - start - 1)",
            f"print(f\"Forecast error of system {system + 1}: {{forecast_error(forecast, data)[{system}].mean():.3e}}\")",
            "ahead = min(10, forecast.num_steps)",
            "ours, still = (nanmedian(error(forecast, data)[:, ahead - 1]) for error in (forecast_error, static_error))",
            'print(f"Typical error {ahead} frames ahead: {still / ours:.2g} times smaller than that of no motion")',
        )
        return Code(imports=imports, lines=lines)

    def command(self, verb: str, path: str, *options: str) -> str:
        """`evaluate` or `infer`."""
        how = ["--inference", self.inference] if self.inference and verb == "infer" else []
        return shell(verb, self.folder, path, *how, *options)


class Method(Frozen):
    """A classical method, given the first `window` frames."""

    name: str
    window: int
    options: dict[str, str | bool] = {}

    def python(self, system: int) -> Code:
        """Read."""
        given = arguments(self.options)
        window = f"data.select(slice(None), frames=slice(0, {self.window}))"
        read = f"posterior = BASELINES[{literal(self.name)}]({', '.join(filter(None, (window, given)))})"
        return Code(imports={"nri_core.network_baselines": ("BASELINES",)}, lines=(read,))

    def command(self, verb: str, path: str, *options: str) -> str:
        """`evaluate` or `infer`."""
        options_given = {"window": self.window, **self.options}.items()
        given = [word for name, value in options_given for word in (["--directed"] if name == "undirected" else [f"--{name}", str(value)])]
        return shell(verb, f"baseline:{self.name}", path, *given, *options)
