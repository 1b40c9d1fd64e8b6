"""Recent: what came lately, so that what comes twice is noticed."""


class Recent:
    """The last `most` names that were new."""

    def __init__(self, most: int = 10_000) -> None:
        self._names: dict[str, None] = {}
        self._most = most

    def is_new(self, name: str) -> bool:
        """Whether it is not among them; it is from now on."""
        if name in self._names:
            return False
        self._names[name] = None
        if len(self._names) > self._most:
            del self._names[next(iter(self._names))]
        return True
