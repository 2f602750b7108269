"""What is finished and stands in files: runs, and the paper's tables."""

from nri_core.snippets.text import PATH, Code, Frozen, literal


class Ran(Frozen):
    """Runs: those that are chosen, and the commands that repeat them."""

    runs: tuple[str, ...]
    lines: tuple[str, ...]

    def python(self) -> str:
        """How each went on, epoch by epoch."""
        lines = (
            f"for name in {list(self.runs)!r}:".replace("'", '"'),
            "    run = open_run(name)",
            "    print(run.name, run.status().message, run.checkpoint_dir)",
            "    for record in run.records():",
            '        print(record["epoch"], record["valid_loss"], record.get("edge_accuracy"))',
        )
        return str(Code(imports={"nri_core.jobs": ("open_run",)}, lines=lines))

    def command(self) -> str:
        """Train each again."""
        return "\n".join(self.lines)


class Reproduced(Frozen):
    """Results: one of the paper's tables in a file, and the command that runs it again."""

    path: str
    line: str

    def python(self) -> str:
        """The table as it stands in the file."""
        imports = {"nri_core.reproduction.tables": ("markdown", "read_table"), **PATH}
        return str(Code(imports=imports, lines=(f"print(markdown(read_table(Path({literal(self.path)}))))",)))

    def command(self) -> str:
        """Run it again."""
        return self.line
