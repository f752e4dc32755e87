"""The project's sources as the tidy tests see them: files, their layer, their includes."""

import os
import pathlib
import re

ROOT = pathlib.Path(os.environ.get("PENSTOCK_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
SOURCE_ENDINGS = {".h", ".cc", ".proto"}
TOP_FOLDERS = ("base", "protocol", "storage", "broker", "client", "archiver", "tools", "bench", "tests")
INCLUDE = re.compile(r'^\s*(?:#include|import)\s+(?:"([^"]+)"|<([^>]+)>)')


class Layers:
    """layers.txt: which folder may include which."""

    def __init__(self, text):
        self.allowed = {}
        self.pure = set()
        for number, line in enumerate(text.splitlines(), 1):
            line = line.split("#")[0].strip()
            if not line:
                continue
            folder, colon, rest = line.partition(":")
            if not colon:
                raise ValueError(f"layers.txt:{number}: no colon")
            if folder.strip() == "pure":
                self.pure = set(rest.split())
            else:
                self.allowed[folder.strip()] = set(rest.split())

    def layer_of(self, path):
        """The layer that a path such as protocol/wire/frame.h belongs to; None for none."""
        parts = path.split("/")
        for end in range(len(parts) - 1, 0, -1):
            folder = "/".join(parts[:end])
            if folder in self.allowed:
                return folder
        return None

    def may_include(self, layer, other):
        allowed = self.allowed[layer]
        return layer == other or "*" in allowed or other in allowed


def layers():
    return Layers((ROOT / "layers.txt").read_text())


def source_files():
    for folder in TOP_FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in SOURCE_ENDINGS and path.is_file():
                yield path


def relative(path):
    return path.relative_to(ROOT).as_posix()


def includes(text):
    """(line number, quoted path or None, angled path or None) of every include and proto import."""
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1), match.group(2)
