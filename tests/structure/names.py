#!/usr/bin/env python3
"""The sources of a room are compiled together: what one hides in an unnamed namespace, no other of the room may name.

With --planted, checks instead that the test itself finds what is wrong.
"""
import re
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

UNNAMED = re.compile(r"^namespace \{\n(.*?)^\}  // namespace\n", re.S | re.M)
DEFINITION = re.compile(
    r"(?:struct|class|enum class|enum) (\w+)"  # a type
    r"|(?:inline |static )*constexpr [^=(]*?\b(k[A-Z]\w*)\b"  # a constant
    r"|(?:inline |static )*[\w:<>,&* ]*?[\w>&*] ?\b(\w+)\(")  # a function
NO_DEFINITION = ("using", "namespace", "return", "template", "TEST")


def defined(text):
    """Names that lines without indentation define."""
    for line in text.splitlines():
        if re.match(r"\w", line) and not line.startswith(NO_DEFINITION):
            if found := DEFINITION.match(line):
                yield found[1] or found[2] or found[3]


def problems_of(root):
    for room in sorted(path for path in (root / "core").iterdir() if path.is_dir()):
        shared = {name: header.name for header in sorted(room.glob("*.h")) for name in defined(header.read_text())}
        hidden = defaultdict(set)
        for source in sorted(room.glob("*.cpp")):
            for block in UNNAMED.findall(source.read_text()):
                for name in defined(block):
                    hidden[name].add(source.name)
        for name, sources in sorted(hidden.items()):
            where = sorted(sources) + ([shared[name]] if name in shared else [])
            if len(where) > 1:
                yield f"core/{room.name}: {name}: in {' and '.join(where)}, should be in one"


PLANTED = {
    "core/a/one.h": "double shared(int x);\n",
    "core/a/one.cpp": "namespace {\nconstexpr int kSize = 3;\nstruct Own {};\n}  // namespace\n",
    "core/a/two.cpp": "namespace {\nconstexpr int kSize = 4;\ndouble shared(int x) {\n  return x;\n}\n}  // namespace\n",
    "core/b/one.cpp": "namespace {\nstruct Own {};\n}  // namespace\n",
}
FOUND = ["core/a: kSize: in one.cpp and two.cpp, should be in one", "core/a: shared: in two.cpp and one.h, should be in one"]

if __name__ == "__main__":
    if "--planted" in sys.argv:
        with tempfile.TemporaryDirectory() as folder:
            for name, text in PLANTED.items():
                file = Path(folder, name)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
            found = list(problems_of(Path(folder)))
        print(*found, sep="\n")
        sys.exit(0 if found == FOUND else 1)
    found = list(problems_of(Path(sys.argv[1])))
    print(*found, sep="\n", end="\n" if found else "")
    sys.exit(1 if found else 0)
