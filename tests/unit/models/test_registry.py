"""The registry: only released bytes run, golden rows must come out, and nothing that cannot be scored is scored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from model_rows import AT, open_model, row
from trivet.contracts.feature import FeatureRow, FeatureValue
from trivet.contracts.ports import Runtime
from trivet.contracts.prediction import ModelRef, Prediction
from trivet.kernel.digest import digest, sha256
from trivet.kernel.errors import Fault, NotFound, Refused, Rejected
from trivet.models.manifest import Manifest, read_manifest
from trivet.models.registry import Registry, adopt, shipped

WELL = {"resp_rate": 16, "spo2": 98, "oxygen": 0, "temperature": 37.0, "systolic": 125, "pulse": 70, "consciousness": 0, "hypercapnic": 0}


@pytest.mark.parametrize(("name", "version"), shipped())
def test_what_ships_loads(name: str, version: str, tmp_path: Path) -> None:
    """Every shipped model has its released bytes, reproduces its golden rows, and says what it runs on."""
    registry, manifest = open_model(tmp_path, name, version)
    runtime = registry.runtime(manifest.ref)
    assert runtime.artefact_digest == manifest.artefact == digest(manifest.files)
    assert runtime.ref == manifest.ref
    assert getattr(runtime, "facts")["batch"] == "1"  # noqa: B009


@pytest.mark.parametrize(("name", "version"), shipped())
def test_any_flipped_byte_refuses_to_load(name: str, version: str, tmp_path: Path) -> None:
    """One byte of any file, at its start, middle or end: not loaded, and the file is named."""
    registry, manifest = open_model(tmp_path, name, version)
    for file in manifest.files:
        path = tmp_path / name / version / file
        whole = path.read_bytes()
        for place in (0, len(whole) // 2, len(whole) - 1):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            with pytest.raises(Refused) as caught:
                registry.runtime(manifest.ref)
            assert caught.value.failed == ("artefact",)
            assert file in caught.value.why
        path.write_bytes(whole)
    assert registry.runtime(manifest.ref).ref == manifest.ref


def test_a_byte_flipped_while_it_is_loaded_is_found_at_the_next_call(tmp_path: Path) -> None:
    """A runtime that is kept in memory does not outlive its file."""
    registry, manifest = open_model(tmp_path, "news2")
    registry.runtime(manifest.ref)
    path = tmp_path / "news2/1.0.0/table.yaml"
    path.write_bytes(path.read_bytes().replace(b"points: 3", b"points: 2", 1))
    with pytest.raises(Refused):
        registry.runtime(manifest.ref)


def test_another_manifest_is_another_model(tmp_path: Path) -> None:
    """A manifest that was changed, its files sealed again, is not the release that was asked for."""
    registry, manifest = open_model(tmp_path, "news2")
    path = tmp_path / "news2/1.0.0/manifest.yaml"
    path.write_text(path.read_text().replace('{"*": 5}', '{"*": 9}'))
    with pytest.raises(Refused):
        registry.runtime(manifest.ref)


def test_golden_rows_that_do_not_come_out_stop_the_load(tmp_path: Path) -> None:
    """Even with every digest right: a model that gives other numbers than recorded does not load."""
    registry, manifest = open_model(tmp_path, "news2")
    folder = tmp_path / "news2/1.0.0"
    golden = (folder / "golden.json").read_bytes().replace(b'{"value": 20}', b'{"value": 19}')
    (folder / "golden.json").write_bytes(golden)
    text = (folder / "manifest.yaml").read_text().replace(manifest.files["golden.json"], sha256(golden))
    (folder / "manifest.yaml").write_text(text)
    with pytest.raises(Refused) as caught:
        registry.runtime(read_manifest(text.encode()).ref)
    assert caught.value.failed == ("golden-rows",)


def test_a_model_that_is_not_there(tmp_path: Path) -> None:
    """The error says what is there."""
    registry, _ = open_model(tmp_path, "news2")
    with pytest.raises(NotFound) as caught:
        registry.runtime(ModelRef("lace", "9", "0" * 64))
    assert "news2 1.0.0" in caught.value.why


def test_a_version_is_never_written_over(tmp_path: Path) -> None:
    """What stands in a home stays."""
    assert adopt("lace", "1.0.0", tmp_path)
    (tmp_path / "lace/1.0.0/table.yaml").write_text("other")
    assert not adopt("lace", "1.0.0", tmp_path)
    assert (tmp_path / "lace/1.0.0/table.yaml").read_text() == "other"


UNCLEAR = [
    ("missing: reject", "missing: guess"),
    ("kind: score\n  meaning", "kind: score\n  meanings"),
    ("runtime: rules", "runtime: rules\nmagic: 1"),
    ("hard: [0, 90]", "hard: [0]"),
    ("    because: scale 1", "    becoz: scale 1"),
    ("golden: golden.json", "golden: other.json"),
    ("instead: 0\n", "instead: 7\n"),
]


@pytest.mark.parametrize("change", UNCLEAR)
def test_a_manifest_that_is_not_clear_is_refused(change: tuple[str, str], tmp_path: Path) -> None:
    """Unknown keys, rules nobody defined, a value in place of a missing one without a reason."""
    open_model(tmp_path, "news2")
    text = (tmp_path / "news2/1.0.0/manifest.yaml").read_text()
    assert change[0] in text
    with pytest.raises(Fault):
        read_manifest(text.replace(*change, 1).encode())


def spoil(field: str, **changed: object) -> Callable[[FeatureRow], FeatureRow]:
    """A change to one value of a row."""

    def work(good: FeatureRow) -> FeatureRow:
        return replace(good, values=tuple(replace(value, **changed) if value.name == field else value for value in good.values))  # type: ignore[arg-type]

    return work


PROBES: list[tuple[str, Callable[[FeatureRow], FeatureRow], str, str]] = [
    ("a wrong name", spoil("pulse", name="puls"), "unknown-input", "pulse"),
    ("one of them left out", lambda good: replace(good, values=good.values[1:]), "unknown-input", "resp_rate"),
    ("one of them twice", lambda good: replace(good, values=good.values + good.values[:1]), "duplicate-input", "resp_rate"),
    ("text", spoil("pulse", value="80"), "wrong-type", "pulse"),
    ("a truth value", spoil("oxygen", value=True), "wrong-type", "oxygen"),
    ("not a number", spoil("pulse", value=float("nan")), "wrong-type", "pulse"),
    ("infinity", spoil("pulse", value=float("inf")), "wrong-type", "pulse"),
    ("a billion", spoil("pulse", value=1e9), "out-of-range", "pulse"),
    ("another unit", spoil("temperature", unit="[degF]"), "wrong-unit", "temperature"),
    ("no unit", spoil("temperature", unit=""), "wrong-unit", "temperature"),
    ("a null", spoil("systolic", value=None), "missing", "systolic"),
    ("yesterday's", spoil("spo2", newest_at="2026-02-28T11:59:59.000000Z"), "stale", "spo2"),
    ("tomorrow's", spoil("spo2", newest_at="2026-03-02T00:00:00.000000Z"), "stale", "spo2"),
    ("no time", spoil("spo2", newest_at=""), "undated", "spo2"),
    ("another view", lambda good: replace(good, view="readmission"), "wrong-view", "view"),
]


@pytest.fixture(scope="module")
def news2(tmp_path_factory: pytest.TempPathFactory) -> tuple[Runtime, Manifest]:
    """NEWS2, loaded."""
    registry, manifest = open_model(tmp_path_factory.mktemp("models"), "news2")
    return registry.runtime(manifest.ref), manifest


@pytest.mark.parametrize(("spoiled", "code", "field"), [probe[1:] for probe in PROBES], ids=[probe[0] for probe in PROBES])
def test_nonsense_is_rejected_by_name(
    news2: tuple[Runtime, Manifest], spoiled: Callable[[FeatureRow], FeatureRow], code: str, field: str
) -> None:
    """None of them is scored; each rejection names the field and holds no value."""
    runtime, manifest = news2
    good = row(manifest, WELL)
    assert isinstance(runtime.predict(good), Prediction)
    said = runtime.predict(spoiled(good))
    assert isinstance(said, Rejected)
    assert (said.code, said.locator) == (code, field)
    assert "1000000000" not in said.reason
    assert "e+09" not in said.reason


def test_other_features_of_the_view_do_not_matter(news2: tuple[Runtime, Manifest]) -> None:
    """A row holds all features of its view; a model reads its own."""
    runtime, manifest = news2
    good = row(manifest, WELL)
    wider = replace(good, values=(*good.values, FeatureValue("lactate", 9.0, "mmol/L", (), "", AT)))
    assert runtime.predict(wider) == runtime.predict(good)


def test_sites_have_their_own_thresholds(tmp_path: Path) -> None:
    """The same release answers with the site's threshold."""
    open_model(tmp_path, "news2")
    path = tmp_path / "news2/1.0.0/manifest.yaml"
    path.write_text(path.read_text().replace('{"*": 5}', '{"*": 5, north: 7}'))
    for site, threshold in (("north", 7), ("south", 5)):
        registry = Registry(tmp_path, site)
        manifest = registry.manifest("news2", "1.0.0")
        said = registry.runtime(manifest.ref).predict(row(manifest, WELL))
        assert isinstance(said, Prediction)
        assert said.threshold == threshold
