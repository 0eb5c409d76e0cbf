"""The flags `jax_logging_level` and `jax_debug_log_modules`: which log records go to stderr.

Both undo what they did before they act again. The loggers are those of "jaxlike" and, because programs
name them, of "jax".
"""

from __future__ import annotations

import logging
import sys

from jaxlike._src.config_state import enum_state, string_state

LOGGERS = ("jaxlike", "jax")
_LEVELS = ("NOTSET", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class _ToStderr(logging.StreamHandler):
    """Writes to whatever `sys.stderr` is at the time, with time and place of the record."""

    def __init__(self, level: int = logging.NOTSET) -> None:
        """A handler for records from ``level`` on."""
        logging.Handler.__init__(self, level)
        self.setFormatter(logging.Formatter("{levelname}:{asctime}:{name}:{lineno}: {message}", style="{"))

    @property
    def stream(self) -> object:
        """Where to write."""
        return sys.stderr


class _Switch:
    """Sets loggers to a level and gives them a handler; the next call first undoes that."""

    def __init__(self, handler: logging.Handler) -> None:
        """``handler`` is added to the loggers."""
        self._handler = handler
        self._before: list[tuple[logging.Logger, int]] = []

    def __call__(self, names: tuple[str, ...], level: int) -> None:
        """Undo the last call; then set the loggers of these names."""
        for logger, old in self._before:
            logger.removeHandler(self._handler)
            logger.setLevel(old)
        self._before = [(logger, logger.level) for logger in map(logging.getLogger, names)]
        for logger, _ in self._before:
            logger.setLevel(level)
            if level != logging.NOTSET:
                logger.addHandler(self._handler)


_all = _Switch(_ToStderr())
_some_handler = _ToStderr(logging.DEBUG)
# Where `jax_logging_level` is DEBUG, records of jax's loggers reach stderr already.
_some_handler.addFilter(lambda record: logging.getLogger(LOGGERS[0]).level != logging.DEBUG)
_some = _Switch(_some_handler)

debug_log_modules = string_state(
    "jax_debug_log_modules", "", "Loggers whose every record goes to stderr: names, comma-separated."
)
logging_level = enum_state(
    "jax_logging_level",
    _LEVELS,
    logging.getLevelName(logging.getLogger("jax").level),
    "Least severe records to write to stderr; None: what Python's logging is set to.",
    optional=True,
)


def _set_modules() -> None:
    names = debug_log_modules.get_global()
    _some(tuple(names.split(",")) if names else (), logging.DEBUG)


def _set_level() -> None:
    level = logging_level.get_global()
    _all(LOGGERS if level is not None else (), logging.getLevelNamesMapping()[level or "NOTSET"])


debug_log_modules._on_global.append(_set_modules)
logging_level._on_global.append(_set_level)
if debug_log_modules.value:
    _set_modules()
if logging_level.value not in (None, "NOTSET"):
    _set_level()
