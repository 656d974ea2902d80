"""Exact search by cosine, and a file that is used whole or not at all."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from index.vectors import Vectors


def unit_rows(count: int, *, dimension: int = 16, seed: int = 1) -> npt.NDArray[np.float32]:
    rows = np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture
def rows() -> npt.NDArray[np.float32]:
    return unit_rows(50)


@pytest.fixture
def vectors(rows: npt.NDArray[np.float32]) -> Vectors:
    return Vectors.build(np.arange(100, 150, dtype=np.int64), rows)


@pytest.fixture
def file(vectors: Vectors, tmp_path: Path) -> Path:
    vectors.save(tmp_path / "vectors", generation=7)
    return tmp_path / "vectors"


def test_the_nearest_come_first_with_their_cosines(vectors: Vectors, rows: npt.NDArray[np.float32]) -> None:
    query = unit_rows(1, seed=2)[0]
    cosines = rows @ query
    order = np.argsort(-cosines)[:5]
    found = vectors.search(query, k=5)
    assert [key for key, _ in found] == [int(row) + 100 for row in order]
    assert [cosine for _, cosine in found] == pytest.approx(cosines[order], abs=1e-6)


@pytest.mark.parametrize(("k", "count"), [(1, 1), (50, 50), (51, 50), (10**9, 50)])
def test_as_many_come_as_there_are(vectors: Vectors, k: int, count: int) -> None:
    assert len(vectors.search(unit_rows(1)[0], k=k)) == count


def test_no_vectors_are_searched_for_nothing() -> None:
    none = Vectors.build(np.empty(0, dtype=np.int64), np.empty((0, 16), dtype=np.float32))
    assert (len(none), none.search(unit_rows(1)[0], k=3)) == (0, [])


def test_what_is_loaded_is_what_was_saved(vectors: Vectors, file: Path) -> None:
    loaded = Vectors.load(file, generation=7, dimension=16)
    assert loaded is not None
    query = unit_rows(1, seed=2)[0]
    assert (len(loaded), loaded.search(query, k=50)) == (50, vectors.search(query, k=50))


def test_nothing_else_is_left_beside_the_file(file: Path) -> None:
    assert list(file.parent.iterdir()) == [file]


def test_a_file_that_cannot_take_the_name_leaves_nothing_behind(vectors: Vectors, tmp_path: Path) -> None:
    (tmp_path / "taken" / "inside").mkdir(parents=True)
    with pytest.raises(OSError, match="taken"):
        vectors.save(tmp_path / "taken", generation=1)
    assert [entry.name for entry in tmp_path.iterdir()] == ["taken"]


@pytest.mark.parametrize(("generation", "dimension"), [(6, 16), (8, 16), (7, 15), (7, 384)])
def test_a_file_of_another_generation_or_dimension_is_not_used(file: Path, generation: int, dimension: int) -> None:
    assert Vectors.load(file, generation=generation, dimension=dimension) is None


def test_a_missing_file_is_not_used(tmp_path: Path) -> None:
    assert Vectors.load(tmp_path / "none", generation=7, dimension=16) is None


def test_a_file_with_any_byte_changed_is_not_used(file: Path) -> None:
    data = file.read_bytes()
    used = []
    for position in [*range(60), *range(60, len(data), 37), len(data) - 1]:
        file.write_bytes(data[:position] + bytes([data[position] ^ 0x81]) + data[position + 1 :])
        if Vectors.load(file, generation=7, dimension=16) is not None:
            used.append(position)
    assert used == []


def test_a_file_cut_anywhere_is_not_used(file: Path) -> None:
    data = file.read_bytes()
    used = []
    for length in [*range(60), *range(60, len(data), 61), len(data) - 1]:
        file.write_bytes(data[:length])
        if Vectors.load(file, generation=7, dimension=16) is not None:
            used.append(length)
    assert used == []


@pytest.mark.parametrize("more", [b"\0", b"more bytes"])
def test_a_file_with_something_behind_it_is_not_used(file: Path, more: bytes) -> None:
    file.write_bytes(file.read_bytes() + more)
    assert Vectors.load(file, generation=7, dimension=16) is None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no permission bits to take away")
def test_a_file_that_may_not_be_read_is_not_used(
    file: Path, unprivileged: Callable[[], AbstractContextManager[None]]
) -> None:
    file.chmod(0)
    with unprivileged():
        assert Vectors.load(file, generation=7, dimension=16) is None
