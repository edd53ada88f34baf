"""Counters and distributions of Beam: what a job under way shows, by the names of schemas.metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from apache_beam.metrics import Metrics
from apache_beam.pvalue import TaggedOutput

from schemas.histogram import bucket
from schemas.metrics import NAMESPACE, SETTLED, counter_of
from transforms.outputs import SUMS


def summed(sums: Mapping[str, float]) -> TaggedOutput:
    """Sums of a bundle of work, counted, to be put out under SUMS."""
    count(sums)
    return TaggedOutput(SUMS, dict(sums))


def count(sums: Mapping[str, float]) -> None:
    """Add sums of an account to the counters of those that have one."""
    for name, value in sums.items():
        if counter := counter_of(name):
            Metrics.counter(NAMESPACE, counter).inc(int(value))


def observed(values: Mapping[str, Iterable[int]]) -> Iterable[str]:
    """Take values into their distributions; names of sums, each to be counted, that the record's percentiles
    come of."""
    for name, some in values.items():
        distribution = Metrics.distribution(NAMESPACE, name)
        for value in some:
            distribution.update(value)
            yield f"histogram.{name}.{bucket(value)}"


def settled() -> None:
    """Count a track whose outcome is known."""
    Metrics.counter(NAMESPACE, SETTLED).inc()
