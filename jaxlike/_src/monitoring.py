"""monitoring: events that a program reports to listeners: plain ones, durations, spans of time, numbers.

Nothing here reports by itself; libraries do, and dashboards listen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_events: list[Callable[..., None]] = []
_durations: list[Callable[..., None]] = []
_spans: list[Callable[..., None]] = []
_scalars: list[Callable[..., None]] = []


def record_event(event: str, **kwargs: str | int) -> None:
    """Report that something happened; ``kwargs`` tell more."""
    for callback in _events:
        callback(event, **kwargs)


def record_event_duration_secs(event: str, duration: float, **kwargs: str | int) -> None:
    """Report how long something took."""
    for callback in _durations:
        callback(event, duration, **kwargs)


def record_event_time_span(event: str, start_time: float, end_time: float, **kwargs: str | int) -> None:
    """Report when something began and ended."""
    for callback in _spans:
        callback(event, start_time, end_time, **kwargs)


def record_scalar(event: str, value: float | int, **kwargs: str | int) -> None:
    """Report a number."""
    for callback in _scalars:
        callback(event, value, **kwargs)


def register_event_listener(callback: Any) -> None:
    """Call ``callback(event, **kwargs)`` at each `record_event`."""
    _events.append(callback)


def register_event_duration_secs_listener(callback: Any) -> None:
    """Call ``callback(event, duration, **kwargs)`` at each `record_event_duration_secs`."""
    _durations.append(callback)


def register_event_time_span_listener(callback: Any) -> None:
    """Call ``callback(event, start_time, end_time, **kwargs)`` at each `record_event_time_span`."""
    _spans.append(callback)


def register_scalar_listener(callback: Any) -> None:
    """Call ``callback(event, value, **kwargs)`` at each `record_scalar`."""
    _scalars.append(callback)


def clear_event_listeners() -> None:
    """Forget all listeners."""
    for listeners in (_events, _durations, _spans, _scalars):
        listeners.clear()


def unregister_event_listener(callback: Any) -> None:
    """Forget one listener to plain events."""
    assert callback in _events
    _events.remove(callback)


def unregister_event_duration_listener(callback: Any) -> None:
    """Forget one listener to durations."""
    assert callback in _durations
    _durations.remove(callback)


def unregister_event_time_span_listener(callback: Any) -> None:
    """Forget one listener to spans of time."""
    assert callback in _spans
    _spans.remove(callback)


def unregister_scalar_listener(callback: Any) -> None:
    """Forget one listener to numbers."""
    assert callback in _scalars
    _scalars.remove(callback)
