"""The .meta files of the Unity package: every asset has one, with a GUID that never changes.

    python scripts/unity_meta.py           write those that are missing, remove those whose asset is gone
    python scripts/unity_meta.py --check   only say what is wrong (exit code 1 if anything is)

Unity makes a .meta for an asset that has none, with a random GUID, and every scene and asmdef refers to the GUID. In a
package the files are read-only, so they must be there. A new GUID is the MD5 of the asset's path in the package, and is
from then on only read: move an asset together with its .meta (`git mv` both) and it keeps the GUID.

Folders whose names end with ~ are hidden from Unity. Samples~ is copied into projects as it is, so what lies in it has
.meta files; Documentation~ is only read by people.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "engine_plugins" / "unity" / "com.vcg.bridge"
NAMESPACE = "com.vcg.bridge"
_GUID = re.compile(r"^guid: ([0-9a-f]{32})$", re.MULTILINE)

_END = "  userData: \n  assetBundleName: \n  assetBundleVariant: \n"
_PLAIN = "  externalObjects: {}\n" + _END
_SCRIPT = (
    "  externalObjects: {}\n  serializedVersion: 2\n  defaultReferences: []\n  executionOrder: 0\n  icon: {instanceID: 0}\n"
    + _END
)
_SHADER = "  externalObjects: {}\n  defaultTextures: []\n  nonModifiableTextures: []\n" + _END
_NATIVE = "  externalObjects: {}\n  mainObjectFileID: 0\n" + _END

IMPORTERS = {
    ".cs": ("MonoImporter", _SCRIPT),
    ".asmdef": ("AssemblyDefinitionImporter", _PLAIN),
    ".shader": ("ShaderImporter", _SHADER),
    ".hlsl": ("ShaderIncludeImporter", _PLAIN),
    ".cginc": ("ShaderIncludeImporter", _PLAIN),
    ".prefab": ("PrefabImporter", _PLAIN),
    ".unity": ("DefaultImporter", _PLAIN),
    ".asset": ("NativeFormatImporter", _NATIVE),
    ".mat": ("NativeFormatImporter", _NATIVE),
    ".json": ("TextScriptImporter", _PLAIN),
    ".jsonl": ("DefaultImporter", _PLAIN),
    ".md": ("TextScriptImporter", _PLAIN),
    ".txt": ("TextScriptImporter", _PLAIN),
    ".csv": ("TextScriptImporter", _PLAIN),
    ".xml": ("TextScriptImporter", _PLAIN),
    ".bytes": ("TextScriptImporter", _PLAIN),
}
"""Kind of asset -> the importer that Unity writes into its .meta, and that importer's fields."""


def assets(package: Path = PACKAGE) -> Iterator[Path]:
    """Every file and folder that Unity sees or that a sample brings along, without the package's own folder."""
    for path in sorted(package.rglob("*")):
        parts = path.relative_to(package).parts
        if any(part.startswith(".") or (part.endswith("~") and part != "Samples~") for part in parts):
            continue
        if path.name == "Samples~" or path.suffix == ".meta" or path.suffix == ".tmp":
            continue
        yield path


def meta_of(asset: Path) -> Path:
    """NAME.ext -> NAME.ext.meta"""
    return asset.with_name(asset.name + ".meta")


def guid_of(asset: Path, package: Path = PACKAGE) -> str:
    """The GUID that a new asset gets: 32 hex digits."""
    return hashlib.md5(f"{NAMESPACE}/{asset.relative_to(package).as_posix()}".encode()).hexdigest()


def meta_text(asset: Path, package: Path = PACKAGE) -> str:
    """Contents of a new .meta. Raises KeyError for a kind of file that no package of ours has yet."""
    head = f"fileFormatVersion: 2\nguid: {guid_of(asset, package)}\n"
    if asset.is_dir():
        return f"{head}folderAsset: yes\nDefaultImporter:\n{_PLAIN}"
    if asset.name == "package.json":
        return f"{head}PackageManifestImporter:\n{_PLAIN}"
    importer, fields = IMPORTERS[asset.suffix]
    return f"{head}{importer}:\n{fields}"


def orphans(package: Path = PACKAGE) -> list[Path]:
    """.meta files whose asset is gone, or that Unity would not want there."""
    wanted = {meta_of(asset) for asset in assets(package)}
    return [path for path in sorted(package.rglob("*.meta")) if path not in wanted]


def problems(package: Path = PACKAGE) -> list[str]:
    """What is wrong, a line each; empty where all is well."""
    found: list[str] = []
    owners: dict[str, Path] = {}
    for asset in assets(package):
        name, meta = asset.relative_to(package).as_posix(), meta_of(asset)
        if not meta.is_file():
            found.append(f"{name}: has no .meta")
            continue
        text = meta.read_text(encoding="utf-8")
        guid = _GUID.search(text)
        if guid is None:
            found.append(f"{name}.meta: has no guid of 32 hex digits")
            continue
        if guid[1] in owners:
            found.append(f"{name}.meta: has the guid of {owners[guid[1]]}")
        owners[guid[1]] = asset.relative_to(package)
        if asset.is_dir() != ("folderAsset: yes" in text):
            found.append(f"{name}.meta: says folder where there is a file, or the other way round")
    found += [f"{path.relative_to(package).as_posix()}: its asset is gone" for path in orphans(package)]
    return found


def write(package: Path = PACKAGE) -> list[str]:
    """Writes what is missing and removes what has no asset; names of what changed."""
    changed = []
    for asset in assets(package):
        meta = meta_of(asset)
        if not meta.is_file():
            temporary = meta.with_suffix(".tmp")
            temporary.write_text(meta_text(asset, package), encoding="utf-8", newline="\n")
            temporary.replace(meta)
            changed.append(meta.relative_to(package).as_posix())
    for path in orphans(package):
        path.unlink()
        changed.append(path.relative_to(package).as_posix())
    return changed


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; exit code 1 where something is wrong")
    if parser.parse_args().check:
        wrong = problems()
        print("\n".join(wrong) or "every asset has its .meta")
        return 1 if wrong else 0
    print("\n".join(write()) or "nothing to do")
    return 0


if __name__ == "__main__":
    sys.exit(main())
