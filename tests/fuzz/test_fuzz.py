"""A few hundred broken files of every format, and broken manifests; `make fuzz` has thousands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from models.bundle_source import open_bundle
from schemas.errors import DataError
from tests.fuzz.cases import case_of
from tests.fuzz.manifests import broken, manifests, rows_of
from tests.fuzz.mutations import MUTATIONS
from tests.fuzz.reading import READ, CaseReader
from tests.fuzz.seeds import Seed, composed_seeds
from transforms.decoding.sandbox import DecodeLimits

SEED = 5
BATCHES, BATCH = 8, 50
# Right heads with noise behind them: no decoder makes sound of these.
UNREADABLE = {"ape", "musepack", "shorten", "tak", "dts"}


@pytest.fixture(scope="module")
def seeds() -> list[Seed]:
    return composed_seeds()


@pytest.fixture(scope="module")
def reader() -> Iterator[CaseReader]:
    limits = DecodeLimits(timeout_s=20, max_duration_s=600)
    with CaseReader(open_bundle("default").front_ends, limits) as shared:
        yield shared


def test_every_whole_file_that_cases_are_made_of_is_read(
    seeds: list[Seed], reader: CaseReader, tmp_path: Path
) -> None:
    unread = set()
    for seed in seeds:
        path = tmp_path / f"file.{seed.suffix}"
        path.write_bytes(seed.data)
        result = reader.read(path)
        assert not result.problems, seed.format
        if result.outcome != READ:
            unread.add(seed.format)
    assert unread == UNREADABLE
    assert len(seeds) > 60


def test_a_case_is_the_same_for_the_same_seed_and_number(seeds: list[Seed]) -> None:
    again = composed_seeds()
    for number in range(0, 400, 40):
        assert case_of(seeds, seed=SEED, number=number) == case_of(again, seed=SEED, number=number)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_broken_files_are_read_or_fail_with_a_reason_in_time(
    batch: int, seeds: list[Seed], reader: CaseReader, tmp_path: Path
) -> None:
    outcomes: Counter[str] = Counter()
    for number in range(batch * BATCH, (batch + 1) * BATCH):
        case = case_of(seeds, seed=SEED, number=number)
        path = tmp_path / case.name
        path.write_bytes(case.data)
        result = reader.read(path)
        assert not result.problems, case.name
        outcomes[result.outcome] += 1
    # Both ways are walked: neither is everything refused nor is everything let through.
    assert outcomes[READ] > BATCH / 5
    assert outcomes.total() - outcomes[READ] > BATCH / 10


def test_every_mutation_changes_a_file(seeds: list[Seed]) -> None:
    for name, mutation in MUTATIONS.items():
        changed = [
            mutation(np.random.default_rng(number), seed.data, seeds[0].data) != seed.data
            for number, seed in enumerate(seeds[:10])
        ]
        assert any(changed) is (name != "as_it_is"), name


def test_broken_manifests_are_refused_or_every_row_is_in_the_account(tmp_path: Path) -> None:
    whole = manifests()
    outcomes: Counter[str] = Counter()
    for number in range(300):
        suffix, data = broken(whole, seed=SEED, number=number)
        path = tmp_path / f"catalogue{suffix}"
        path.write_bytes(data)
        rows = rows_of(path)
        outcomes["refused" if isinstance(rows, DataError) else "rows"] += 1
    assert min(outcomes["refused"], outcomes["rows"]) > 50
