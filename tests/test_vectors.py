"""Search by cosine, kept in step with a library, and a file that is used whole or not at all."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import faiss
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import index.vectors
from index.vectors import Keys, Rows, Vectors

EMBEDDER = "the identity of an embedder"


def unit_rows(count: int, *, dimension: int = 16, seed: int = 1) -> npt.NDArray[np.float32]:
    rows = np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float16).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def built(rows: Rows, *, first: int = 100, generation: int = 7) -> Vectors:
    """The rows under the keys from `first` on."""
    keys = np.arange(first, first + len(rows), dtype=np.int64)
    vectors = Vectors(16)
    vectors.follow(keys, keys, lambda wanted: rows[wanted - first], generation=generation)
    return vectors


def loaded(file: Path, *, dimension: int = 16, embedder: str = EMBEDDER) -> Vectors | None:
    return Vectors.load(file, dimension=dimension, embedder=embedder)


@pytest.fixture
def rows() -> Rows:
    return unit_rows(50)


@pytest.fixture
def vectors(rows: Rows) -> Vectors:
    return built(rows)


@pytest.fixture
def file(vectors: Vectors, tmp_path: Path) -> Path:
    vectors.save(tmp_path / "vectors", embedder=EMBEDDER)
    return tmp_path / "vectors"


def test_the_nearest_come_first_with_their_cosines(vectors: Vectors, rows: npt.NDArray[np.float32]) -> None:
    query = unit_rows(1, seed=2)[0]
    cosines = rows @ query
    order = np.argsort(-cosines)[:5]
    found = vectors.search(query, k=5)
    assert [key for key, _ in found] == [int(row) + 100 for row in order]
    assert [cosine for _, cosine in found] == pytest.approx(cosines[order], abs=1e-3)


@pytest.mark.parametrize(("k", "count"), [(1, 1), (50, 50), (51, 50), (10**9, 50)])
def test_as_many_come_as_there_are(vectors: Vectors, k: int, count: int) -> None:
    assert len(vectors.search(unit_rows(1)[0], k=k)) == count


def test_no_vectors_are_searched_for_nothing() -> None:
    none = built(unit_rows(0))
    assert (len(none), none.search(unit_rows(1)[0], k=3)) == (0, [])


def test_a_search_leaves_the_threads_of_faiss_as_they_were(vectors: Vectors) -> None:
    before = faiss.omp_get_max_threads()
    try:
        faiss.omp_set_num_threads(3)
        vectors.search(unit_rows(1)[0], k=3)
        assert faiss.omp_get_max_threads() == 3
    finally:
        faiss.omp_set_num_threads(before)


# In step ------------------------------------------------------------------------------------------------------------


def following(vectors: Vectors, library: dict[int, int], *, generation: int = 1) -> list[int]:
    """Brings it up to date with a library of these keys and marks; returns the keys whose vectors were asked for."""
    asked: list[int] = []

    def fetch(keys: Keys) -> Rows:
        assert list(keys) == sorted(keys)
        asked.extend(keys.tolist())
        return of_marks([library[key] for key in keys.tolist()])

    keys = np.array(list(library), dtype=np.int64)
    marks = np.array(list(library.values()), dtype=np.int64)
    vectors.follow(keys, marks, fetch, generation=generation)
    return asked


def of_marks(marks: list[int]) -> Rows:
    """A vector is a function of its mark alone."""
    return np.stack([unit_rows(1, seed=mark)[0] for mark in marks])


def test_only_what_is_new_or_another_text_is_read(vectors: Vectors) -> None:
    library = {key: key for key in range(100, 150)}
    assert following(vectors, library) == []
    del library[100]
    library |= {110: 7, 200: 8}
    assert following(vectors, library, generation=9) == [110, 200]
    assert (len(vectors), vectors.generation) == (50, 9)
    assert vectors.search(of_marks([7])[0], k=1)[0] == (110, pytest.approx(1, abs=1e-3))


def test_what_came_and_went_is_counted_until_it_is_saved(vectors: Vectors, tmp_path: Path) -> None:
    assert vectors.unsaved == 50
    vectors.save(tmp_path / "vectors", embedder=EMBEDDER)
    assert vectors.unsaved == 0
    following(vectors, {key: key for key in range(101, 152)})  # one went, two came
    assert vectors.unsaved == 3


LIBRARIES = st.lists(st.dictionaries(st.integers(1, 40), st.integers(1, 5), max_size=30), min_size=1, max_size=5)


@pytest.mark.parametrize("exact", [10**6, 8], ids=["exact", "clusters"])
@settings(deadline=None)
@given(libraries=LIBRARIES, through_a_file=st.booleans())
def test_whatever_a_library_becomes_all_of_it_is_found_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, exact: int, libraries: list[dict[int, int]], through_a_file: bool
) -> None:
    with pytest.MonkeyPatch.context() as patch, index.vectors._one_thread():
        patch.setattr(index.vectors, "EXACT", exact)
        vectors = Vectors(16)
        for library in libraries:
            following(vectors, library)
            if through_a_file:
                file = tmp_path_factory.getbasetemp() / f"vectors-{exact}"
                vectors.save(file, embedder=EMBEDDER)
                again = loaded(file)
                assert again is not None
                vectors = again
            query = unit_rows(1, seed=99)[0]
            found = vectors.search(query, k=100)
            assert sorted(key for key, _ in found) == sorted(library)
            for key, cosine in found:
                assert cosine == pytest.approx(float(of_marks([library[key]])[0] @ query), abs=2e-3)


def test_a_large_library_is_searched_by_clusters_and_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = np.random.default_rng(3)
    rows = np.repeat(unit_rows(200, dimension=64), 30, axis=0) + chance.normal(0, 0.06, (6_000, 64))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    keys = np.arange(6_000, dtype=np.int64)
    exact, clustered = Vectors(64), Vectors(64)
    exact.follow(keys, keys, lambda wanted: rows[wanted], generation=1)
    monkeypatch.setattr(index.vectors, "EXACT", 5_999)
    monkeypatch.setattr(index.vectors, "_PROBED", 8)
    clustered.follow(keys, keys, lambda wanted: rows[wanted], generation=1)
    assert (exact._clusters, clustered._clusters) == (0, 77)
    shared = 0
    for query in rows[chance.choice(6_000, 100)] + chance.normal(0, 0.06, (100, 64)).astype(np.float32):
        nearest = {key for key, _ in exact.search(query, k=10)}
        shared += len(nearest & {key for key, _ in clustered.search(query, k=10)})
    assert shared / 1_000 >= 0.97


@pytest.mark.parametrize(
    ("passages", "now", "clusters"),
    [
        (0, 0, 0),
        (1_000_000, 0, 0),
        (1_000_001, 0, 1_000),
        (3_999_999, 1_000, 1_000),
        (4_100_000, 1_000, 2_025),
        (600_000, 1_000, 1_000),
        (500_000, 1_000, 0),
    ],
)
def test_clusters_are_made_anew_only_where_the_size_has_changed_much(passages: int, now: int, clusters: int) -> None:
    assert index.vectors._clusters_worth(passages, now=now) == clusters


# The file -----------------------------------------------------------------------------------------------------------


def test_what_is_loaded_is_what_was_saved(vectors: Vectors, file: Path) -> None:
    again = loaded(file)
    assert again is not None
    query = unit_rows(1, seed=2)[0]
    assert (len(again), again.generation, again.unsaved) == (50, 7, 0)
    assert again.search(query, k=50) == vectors.search(query, k=50)


def test_nothing_else_is_left_beside_the_file(file: Path) -> None:
    assert list(file.parent.iterdir()) == [file]


def test_a_file_that_cannot_take_the_name_leaves_nothing_behind(vectors: Vectors, tmp_path: Path) -> None:
    (tmp_path / "taken" / "inside").mkdir(parents=True)
    with pytest.raises(OSError, match="taken"):
        vectors.save(tmp_path / "taken", embedder=EMBEDDER)
    assert [entry.name for entry in tmp_path.iterdir()] == ["taken"]


@pytest.mark.parametrize(("dimension", "embedder"), [(15, EMBEDDER), (384, EMBEDDER), (16, "another")])
def test_a_file_of_another_embedder_is_not_used(file: Path, dimension: int, embedder: str) -> None:
    assert loaded(file, dimension=dimension, embedder=embedder) is None


def test_a_missing_file_is_not_used(tmp_path: Path) -> None:
    assert loaded(tmp_path / "none") is None


def test_a_file_with_any_byte_changed_is_not_used(file: Path) -> None:
    data = file.read_bytes()
    used = []
    for position in [*range(60), *range(60, len(data), 37), len(data) - 1]:
        file.write_bytes(data[:position] + bytes([data[position] ^ 0x81]) + data[position + 1 :])
        if loaded(file) is not None:
            used.append(position)
    assert used == []


def test_a_file_cut_anywhere_is_not_used(file: Path) -> None:
    data = file.read_bytes()
    used = []
    for length in [*range(60), *range(60, len(data), 61), len(data) - 1]:
        file.write_bytes(data[:length])
        if loaded(file) is not None:
            used.append(length)
    assert used == []


@pytest.mark.parametrize("more", [b"\0", b"more bytes"])
def test_a_file_with_something_behind_it_is_not_used(file: Path, more: bytes) -> None:
    file.write_bytes(file.read_bytes() + more)
    assert loaded(file) is None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no permission bits to take away")
def test_a_file_that_may_not_be_read_is_not_used(
    file: Path, unprivileged: Callable[[], AbstractContextManager[None]]
) -> None:
    file.chmod(0)
    with unprivileged():
        assert loaded(file) is None
