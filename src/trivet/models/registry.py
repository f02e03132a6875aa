"""Models of one home: in, `models/<name>/<version>/`; out, loaded runtimes. Refused: bytes that are not those of the manifest.

Every load hashes every file. A version whose files changed on disk since it was loaded is loaded again, and so found out. A model
whose golden rows do not come out as recorded does not load: the machine it stands on gives other numbers than the one it was
approved on.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Mapping
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, NamedTuple

from trivet.contracts.feature import FeatureRow, FeatureValue
from trivet.contracts.ports import Runtime
from trivet.contracts.prediction import ModelRef
from trivet.kernel.digest import digest, sha256
from trivet.kernel.errors import Fault, NotFound, Refused, Rejected
from trivet.kernel.ieee754 import float_of
from trivet.kernel.jsontext import loads
from trivet.models.manifest import Manifest, read_manifest
from trivet.models.runtimes import onnx, rules

__all__ = ["Registry", "adopt", "shipped"]

Loader = Callable[[Manifest, Mapping[str, bytes], str, str], Runtime]
RUNTIMES: dict[str, Loader] = {"rules": rules.load, "onnx": onnx.load}
MANIFEST = "manifest.yaml"


class Loaded(NamedTuple):
    """A runtime, and what its files looked like when it was loaded."""

    runtime: Runtime
    stamp: tuple[Any, ...]


class Registry:
    """Loads and keeps runtimes. `runtimes` are the loaders by name: the built-in ones and those that the site allows."""

    def __init__(self, folder: Path, site: str, runtimes: Mapping[str, Loader] | None = None) -> None:
        self._folder, self._site = folder, site
        self._runtimes = {**RUNTIMES, **(runtimes or {})}
        self._lock = threading.Lock()
        self._loaded: dict[str, Loaded] = {}

    def versions(self) -> list[Manifest]:
        """Every version in the folder, whether it would load or not."""
        return [self._read(path.parent.parent.name, path.parent.name) for path in sorted(self._folder.glob(f"*/*/{MANIFEST}"))]

    def manifest(self, name: str, version: str) -> Manifest:
        """One version's manifest. NotFound (exit 5) when it is not there."""
        if not (self._folder / name / version / MANIFEST).is_file():
            known = ", ".join(f"{one.name} {one.version}" for one in self.versions()) or "none"
            raise NotFound("E402", f"no model {name} {version} here", where=str(self._folder), why=f"known: {known}")
        return self._read(name, version)

    def runtime(self, ref: ModelRef) -> Runtime:
        """The loaded runtime of a version. Refused E403 when anything about it is not what was released."""
        folder = self._folder / ref.name / ref.version
        with self._lock:
            held = self._loaded.get(ref.digest)
            if held is not None and held.stamp == _stamp(folder):
                return held.runtime
            self._loaded.pop(ref.digest, None)
            manifest = self.manifest(ref.name, ref.version)
            if manifest.digest != ref.digest:
                raise _changed(manifest, "its manifest is not the one that was released")
            stamp = _stamp(folder)
            runtime = self._load(manifest)
            self._loaded[ref.digest] = Loaded(runtime, stamp)
            return runtime

    def _read(self, name: str, version: str) -> Manifest:
        path = self._folder / name / version / MANIFEST
        manifest = read_manifest(path.read_bytes(), str(path))
        if (manifest.name, manifest.version) != (name, version):
            raise Fault("E401", "a model stands in another's folder", where=str(path))
        return manifest

    def _load(self, manifest: Manifest) -> Runtime:
        if manifest.runtime not in self._runtimes:
            raise NotFound("E404", f"no runtime {manifest.runtime}", why="known: " + ", ".join(sorted(self._runtimes)))
        folder = self._folder / manifest.name / manifest.version
        held = {}
        for name in manifest.files:
            if Path(name).name != name or not (folder / name).is_file():
                raise _changed(manifest, f"{name} is missing")
            held[name] = (folder / name).read_bytes()
        found = {name: sha256(data) for name, data in held.items()}
        if found != manifest.files:
            wrong = ", ".join(sorted(name for name in found if found[name] != manifest.files[name]))
            raise _changed(manifest, f"{wrong} has other bytes than were released")
        runtime = self._runtimes[manifest.runtime](manifest, held, digest(found), self._site)
        prove(manifest, runtime, held[manifest.golden])
        return runtime


def _stamp(folder: Path) -> tuple[Any, ...]:
    """What changes when a file of the folder is written."""
    if not folder.is_dir():
        return ()
    stats = [(path.name, path.stat()) for path in sorted(folder.iterdir())]
    return tuple((name, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino) for name, stat in stats)


def _changed(manifest: Manifest, why: str) -> Refused:
    what = f"{manifest.name} {manifest.version} is not what was released"
    return Refused("E403", what, failed=("artefact",), why=why, help=f"trivet suspend {manifest.name}")


def prove(manifest: Manifest, runtime: Runtime, golden: bytes) -> None:
    """Run the golden rows. Refused E405, naming the row, when one does not come out to within the manifest's tolerance."""
    rows = loads(golden)
    if not rows["rows"]:
        raise _changed(manifest, "it has no golden rows")
    for number, row in enumerate(rows["rows"]):
        said = runtime.predict(golden_row(manifest, row["values"]))
        expected = row["expected"]
        if isinstance(said, Rejected):
            good = (said.code, said.locator) == (expected.get("rejected"), expected.get("field"))
        else:
            wanted = float_of(expected["bits"]) if "bits" in expected else float(expected.get("value", "nan"))
            good = abs(said.value - wanted) <= float(rows["tolerance"])
        if not good:
            what = f"{manifest.name} {manifest.version} gives other numbers here than where it was approved"
            raise Refused("E405", what, failed=("golden-rows",), where=f"golden row {number}", help="trivet doctor")


def golden_row(manifest: Manifest, values: Mapping[str, Any]) -> FeatureRow:
    """A feature row of the manifest's own view with these numbers (None for a missing one), as fresh as can be."""
    at = "2026-01-01T00:00:00.000000Z"
    made = []
    for one in manifest.inputs:
        value = None if values[one.name] is None else float(values[one.name])
        made.append(FeatureValue(one.name, value, one.unit, (), "" if value is not None else "golden row", at if value is not None else ""))
    return FeatureRow("golden", at, 0, manifest.view, manifest.view_digest, tuple(made))


def shipped() -> list[tuple[str, str]]:
    """Names and versions of the models that come with the package."""
    root = files("trivet.maps").joinpath("models")
    return sorted((name.name, one.name) for name in root.iterdir() if name.is_dir() for one in name.iterdir() if one.is_dir())


def adopt(name: str, version: str, folder: Path) -> bool:
    """Copy a shipped model into a home's folder. False when that version is there already: it is never written over."""
    target = folder / name / version
    if target.exists():
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{version}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    with as_file(files("trivet.maps").joinpath("models", name, version)) as source:
        shutil.copytree(source, draft)
    draft.rename(target)
    return True
