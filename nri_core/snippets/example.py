"""An example: a named system worth a look, and what was moved in it."""

import shlex
from typing import Any

from nri_core.snippets.sources import Method, Model
from nri_core.snippets.text import PATH, Code, Frozen, literal


class Example(Frozen):
    """Learn, "Examples": the file at `path` with `changes`, of which `reader` reads the first `frames`; the system in view counts from 0."""

    path: str
    models: str
    reader: Model | Method
    frames: int
    changes: dict[str, Any] = {}
    system: int = 0
    truth: bool = True

    def python(self) -> str:
        """Simulate and read as the page does; how right it is, where the truth may be known."""
        lines = (f"preset = {self._preset()}", "data = preset.data()", f"posterior = preset.read(data, Path({literal(self.models)}))")
        used = ("Preset", "right_by_system") if self.truth else ("Preset",)
        told = ("right = right_by_system(posterior, data)", f'print(f"{{100 * right[{self.system}]:.1f}} % right in this system, {{100 * right.mean():.1f}} % in all {{len(right)}}")')
        belief = (f"print(posterior.edge_probs[{self.system}])  # [receiver, sender, edge type]",)
        return str(Code(imports={"nri_core.presets": used, **PATH}, lines=lines + (told if self.truth else belief)))

    def command(self) -> str:
        """Save what is read, and write the graph in view to a file."""
        saved = f"from pathlib import Path; from nri_core.presets import Preset; {self._preset()}.data().select(slice(None), frames=slice(0, {self.frames})).save(Path({literal('data.npz')}))"
        read = self.reader.command("infer", "data.npz", "--sim", str(self.system), "--out", "graph.csv")
        return "\n".join([shlex.join(["python", "-c", saved]), read])

    def _preset(self) -> str:
        moved = f".model_copy(update={literal(self.changes)})" if self.changes else ""
        return f"Preset.load(Path({literal(self.path)})){moved}"
