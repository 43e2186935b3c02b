"""Logs: one JSON object a line on standard error, ours and those of the libraries alike. No texts, no tokens."""

import logging
import sys

import structlog
from structlog.processors import JSONRenderer, TimeStamper, add_log_level, format_exc_info
from structlog.stdlib import ProcessorFormatter, add_logger_name

_TIME = TimeStamper(fmt="iso", utc=True)
PROCESSORS = (add_log_level, _TIME, format_exc_info, JSONRenderer())
"""A traceback is its lines, without the variables: they hold what people say."""


def log_to_stderr(level: str) -> None:
    """From now on, for the whole process. `level`: a name of `logging`'s, in any case."""
    structlog.configure(
        processors=list(PROCESSORS),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    foreign = logging.StreamHandler(sys.stderr)
    foreign.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[add_log_level, add_logger_name, _TIME, format_exc_info],
            processors=[ProcessorFormatter.remove_processors_meta, JSONRenderer()],
        )
    )
    logging.basicConfig(handlers=[foreign], level=level.upper())
    logging.getLogger("httpx2").setLevel(logging.WARNING)
