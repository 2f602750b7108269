"""What a reader needs: how right it is as frames, noise or nodes change."""

from nri_core.snippets.sources import Data
from nri_core.snippets.text import PATH, Code, Frozen, literal, shell


class Measured(Frozen):
    """Compare, "How much does it need?": a model, what changes, a classical method beside it; on `data` (frames and noise alone), else on fresh systems."""

    folder: str
    by: str
    inference: str | None = None
    beside: str = ""
    data: Data | None = None

    def python(self) -> str:
        """The points of the model's curve, and of the method's beside it."""
        called = {"frames": "usual_frames(model.config.window, data.num_steps)", "noise": "NOISES", "nodes": "NODES"}[self.by]
        name = f"by_{self.by}"
        lines, first = (f"model = Checkpoint.load(Path({literal(self.folder)}))", "config = model.config"), Code()
        imports = {"nri_core.checkpoint": ("Checkpoint",), **PATH}
        needed = ["as_reader", "curve", called.split("(")[0]]
        if self.data:
            name, sized = ("noise_on", ", frames=config.window") if self.by == "noise" else (name, "")
            first, asked = self.data.python(), f"{name}(data, {called}{sized})"
        else:
            needed.append("law_learned")
            sized = {"frames": "nodes=config.num_nodes", "noise": "frames=config.window, nodes=config.num_nodes", "nodes": "frames=config.window"}[self.by]
            name, called = ("fresh_by_frames", "usual_frames(config.window, 4 * config.window)") if self.by == "frames" else (name, called)
            asked = f"{name}(law_learned(model), {called}, {sized})"
        how = f", {literal(self.inference)}" if self.inference else ""
        readers = f'"model": as_reader(model{how})'
        if self.beside:
            told = ', law=config.metadata["data"]["system"], couplings=law_learned(model).coupling_of_type' if self.beside == "known_law" else ""
            imports |= {"nri_core.network_baselines": ("reader_of",)}
            needed += ["law_learned"] if told and "law_learned" not in needed else []
            readers += f", {literal(self.beside)}: reader_of({literal(self.beside)}{told})"
        lines += (f"question = {asked}", f"readers = {{{readers}}}", "for name, read in readers.items():", "    for point in curve(read, question):", "        print(name, point.at, point.accuracy, point.spread, point.why)")
        return str(first + Code(imports=imports | {"nri_core.sensitivity": (*needed, name)}, lines=lines))

    def command(self) -> str:
        """The same, and the method beside it."""
        before, path = self.data.commands() if self.data else ([], "")
        options = {"--by": self.by, "--data": path, "--inference": self.inference, "--beside": self.beside}
        words = [word for name, value in options.items() if value for word in (name, value)]
        return "\n".join([*before, shell("sensitivity", self.folder, *words, "--json")])
