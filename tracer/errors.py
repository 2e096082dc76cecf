"""What the tracer raises when it is used wrongly: a sentence, a hint and a stable slug."""

from __future__ import annotations


class TracerError(Exception):
    """A mistake in use. ``message`` says what was seen, ``hint`` what is allowed and what to do."""

    def __init__(self, message: str, hint: str = "", slug: str = "usage") -> None:
        super().__init__(f"{message} {hint}".strip())
        self.message = message
        self.hint = hint
        self.slug = slug


class UsageError(TracerError):
    """Wrong arguments or names given by the user."""


class TraceFileError(TracerError):
    """A file that is no trace, or a damaged one."""


class EngineError(TracerError):
    """No layout engine, or one that failed."""
