"""What can be wrong with a YAML text, and how much of it is read."""

DEEPEST = 64  # lists and mappings within each other
MOST_VALUES = 100_000  # of one document, aliases counted wherever they stand
LARGEST = 2**20  # characters of one document

Path = tuple[str | int, ...]


class NotYaml(ValueError):
    """The text is not YAML that headrace reads. `line` and `column` count from 1; None where they are not known."""

    def __init__(self, why: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(why)
        self.line = line
        self.column = column


class NotPlain(ValueError):
    """The value at `path` cannot be kept as JSON."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(why)
        self.path = path
