"""Who includes whom is what layers.txt says, and pure folders stay pure."""

import unittest

from source_tree import Layers, includes, layers, relative, source_files

IMPURE = ("boost/asio", "boost/beast", "google/protobuf", "spdlog/", "gflags/")
IMPURE_OWN = ("base/task.h", "base/log.h")


def violations(path, text, rules):
    layer = rules.layer_of(path)
    if layer is None:
        yield f"{path}: its folder is not in layers.txt"
        return
    for number, quoted, angled in includes(text):
        if quoted and "/" in quoted:
            other = rules.layer_of(quoted)
            if other is None:
                yield f"{path}:{number}: {quoted} is in no layer"
            elif not rules.may_include(layer, other):
                yield f"{path}:{number}: {layer} may not include {other} ({quoted})"
        if layer in rules.pure and not path.endswith(".proto"):
            if angled and angled.startswith(IMPURE):
                yield f"{path}:{number}: {layer} is pure and may not include <{angled}>"
            if quoted and (quoted in IMPURE_OWN or quoted.endswith(".pb.h")):
                yield f"{path}:{number}: {layer} is pure and may not include {quoted}"
        if angled and angled.startswith("gflags/") and layer != "tests" and not path.endswith("main.cc"):
            yield f"{path}:{number}: flags are parsed in main.cc only"


class LayersTest(unittest.TestCase):
    def test_every_include_follows_layers_txt(self):
        rules = layers()
        found = [v for p in source_files() for v in violations(relative(p), p.read_text(), rules)]
        self.assertEqual([], found, "\n" + "\n".join(found))

    def test_the_layers_have_no_cycle(self):
        rules = layers()
        done, active = set(), []

        def visit(folder):
            self.assertNotIn(folder, active, " -> ".join([*active, folder]))
            if folder in done:
                return
            active.append(folder)
            for other in sorted(rules.allowed[folder] - {"*"}):
                self.assertIn(other, rules.allowed, f"{folder} names the unknown folder {other}")
                visit(other)
            active.pop()
            done.add(folder)

        for folder in rules.allowed:
            visit(folder)

    def test_an_upward_include_is_seen(self):
        rules = Layers("base :\nstorage : base\npure : storage")
        self.assertEqual(
            ["base/a.h:1: base may not include storage (storage/log.h)"],
            list(violations("base/a.h", '#include "storage/log.h"\n', rules)))
        self.assertEqual(
            ["storage/a.h:2: storage is pure and may not include <boost/asio/post.hpp>"],
            list(violations("storage/a.h", '#include "base/file.h"\n#include <boost/asio/post.hpp>\n', rules)))


if __name__ == "__main__":
    unittest.main()
