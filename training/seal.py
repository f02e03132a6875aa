"""Write the digests of a model folder's files into its manifest: `python training/seal.py src/trivet/maps/models/news2/1.0.0`.

Only the last block of the manifest, `files:`, is written again. A sealed manifest is what a release is bound to.
"""

from __future__ import annotations

import sys
from pathlib import Path

from trivet.kernel.digest import sha256
from trivet.models.manifest import Manifest, read_manifest

__all__ = ["seal"]


def seal(folder: Path) -> Manifest:
    """Seal one folder; returns the manifest as it now stands."""
    path = folder / "manifest.yaml"
    head, found, _ = path.read_text(encoding="utf-8").partition("\nfiles:")
    if not found:
        raise SystemExit(f"{path} has no files: block at its end")
    names = sorted(one.name for one in folder.iterdir() if one.is_file() and one.name != path.name)
    lines = [f"  {name}: {sha256((folder / name).read_bytes())}" for name in names]
    path.write_text(f"{head}\nfiles:\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return read_manifest(path.read_bytes(), str(path))


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        made = seal(Path(argument))
        sys.stdout.write(f"{made.name} {made.version} {made.digest}\n")
