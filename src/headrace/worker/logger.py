"""What a block logs: records of Python's `logging`, and of the `logger` among its keyword arguments, go to stderr."""

import logging
from typing import Any, BinaryIO

from headrace.logs import lines

LEVEL = logging.INFO  # of the root logger, as in Mage


class Framing(logging.Handler):
    """Writes each record as one framed line, on which the supervisor finds its level, logger, time and tags."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        try:
            tags = getattr(record, "tags", None)
            self._stream.write(lines.frame(record.levelname, record.name, self.format(record), record.created, tags))
            self._stream.flush()
        except Exception:
            self.handleError(record)


class BlockLogger:
    """The `logger` of a block: `logger.info('message', rows=3)` keeps `rows` as a tag of the line.

    `error=` with an exception adds its traceback. Arguments after the message are put into it as `logging` does.
    """

    def __init__(self, block: str) -> None:
        self._logger = logging.getLogger(block)

    def debug(self, message: Any, /, *values: Any, **tags: Any) -> None:
        self.log(logging.DEBUG, message, *values, **tags)

    def info(self, message: Any, /, *values: Any, **tags: Any) -> None:
        self.log(logging.INFO, message, *values, **tags)

    def warning(self, message: Any, /, *values: Any, **tags: Any) -> None:
        self.log(logging.WARNING, message, *values, **tags)

    warn = warning

    def error(self, message: Any, /, *values: Any, **tags: Any) -> None:
        self.log(logging.ERROR, message, *values, **tags)

    def exception(self, message: Any, /, *values: Any, **tags: Any) -> None:
        self.log(logging.ERROR, message, *values, **{"exc_info": True, **tags})

    def critical(self, message: Any, /, *values: Any, **tags: Any) -> None:
        self.log(logging.CRITICAL, message, *values, **tags)

    fatal = critical

    def log(self, level: int, message: Any, /, *values: Any, **tags: Any) -> None:
        error = tags.pop("error", None)
        exception = tags.pop("exc_info", None) or (error if isinstance(error, BaseException) else None)
        if error is not None and exception is not error:
            tags["error"] = error
        self._logger.log(level, message, *values, exc_info=exception, extra={"tags": tags})


def install(stream: BinaryIO) -> None:
    """Everything logged in this process from now on is framed on `stream`, from INFO upwards."""
    root = logging.getLogger()
    root.handlers[:] = [Framing(stream)]
    root.setLevel(LEVEL)
