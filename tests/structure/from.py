#!/usr/bin/env python3
"""Every key, command, verb, figure and file that docs/from names exists in this facet.

With --planted, checks instead that the test itself finds what is wrong.
"""
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

COLUMNS = ["script", "name", "kind", "default", "facet", "note"]
KINDS = {"script", "option", "metric", "output"}


class Known:
    """What this facet has, by its own word."""

    def __init__(self, facet, root):
        self.facet, self.helps = facet, {}
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([facet, "docs", folder], check=True)
            self.schema = json.loads(Path(folder, "manifest.schema.json").read_text())
            self.lua = Path(folder, "facet.lua").read_text()
        sources = [f for f in root.glob("core/**/*.cpp")]
        self.core = "".join(f.read_text() for f in sources)
        self.analyses = {f.name: "".join(c.read_text() for c in f.glob("*.cpp")) for f in root.glob("plugins/analysis/*/")}
        self.analyses["metrics"] += Path(root, "core/train/measures.cpp").read_text()  # the figures it shares

    def help_of(self, words):
        """The text of `facet WORDS --help`, or None when there is no such command."""
        if words not in self.helps:
            ran = subprocess.run([self.facet, *words, "--help"], capture_output=True, text=True)
            self.helps[words] = ran.stdout if ran.returncode == 0 else None
        return self.helps[words]

    def schemas_at(self, path):
        """Every schema that a key stands under: a section's parts may each have it."""
        found = [self.schema]
        for key in path:
            found = [under for schema in found for under in self.members(schema, key)]
        return found

    def members(self, schema, key):
        for one in self.variants(schema):
            if key in one.get("properties", {}):
                yield one["properties"][key]

    def variants(self, schema):
        """The schema and all that it refers to or chooses from."""
        if "$ref" in schema:
            schema = self.schema["definitions"][schema["$ref"].split("/")[-1]]
        yield schema
        for choice in schema.get("allOf", []) + [schema[k] for k in ("then", "else", "items") if k in schema]:
            yield from self.variants(choice)

    def has_value(self, path, value):
        for schema in self.schemas_at(path):
            for one in self.variants(schema):
                if value in one.get("enum", []) or one.get("const") == value:
                    return True
        return False


def problem_of(reference, known):
    """What is wrong with one reference, or None."""
    if reference in ("not yet", "none"):
        return None
    if reference.startswith("facet "):
        words = reference.split()[1:]
        options = [w for w in words if w.startswith("--")]
        commands = tuple(w for w in words if not w.startswith("--"))
        text = known.help_of(commands)
        if text is None:
            return "no such command"
        lacking = [o for o in options if not re.search(re.escape(o) + r"\b", text)]
        return f"no option {lacking[0]}" if lacking else None
    if reference.startswith("run:"):
        return None if f"function run:{reference[4:]}(" in known.lua else "no such verb"
    if re.search(r"\.(jsonl?|md|toml|svg|safetensors|lua)$", reference):
        return None if f'{reference.split("/")[-1]}"' in known.core else "no such file of a run"
    path, _, value = reference.partition("=")
    path = path.split(".")
    if path[0] == "analysis" and len(path) == 3:
        if path[1] not in known.analyses:
            return "no such analysis"
        return None if f'"{path[2]}"' in known.analyses[path[1]] else "no such key, figure or column"
    if value:
        return None if known.has_value(path, value) else "no such key and value"
    return None if known.schemas_at(path) else "no such key"


def problems_of(name, text, known):
    lines = text.splitlines()
    if lines[0].split("\t") != COLUMNS:
        yield f"{name}:1: {lines[0]!r}, should be {COLUMNS}"
    for number, line in enumerate(lines[1:], 2):
        cells = line.split("\t")
        if len(cells) != len(COLUMNS):
            yield f"{name}:{number}: {len(cells)} cells, should be {len(COLUMNS)}"
            continue
        row = dict(zip(COLUMNS, cells))
        if row["kind"] not in KINDS:
            yield f"{name}:{number}: kind {row['kind']!r}, should be one of {sorted(KINDS)}"
        for reference in row["facet"].split("; "):
            if wrong := problem_of(reference, known):
                yield f"{name}:{number}: {reference}: {wrong}"


PLANTED = """\
script\tname\tkind\tdefault\tfacet\tnote
a\tb\toption\t1\tsae.k; facet run --set; run:train; analysis.metrics.nmse; events.jsonl; data.split.eval; not yet\t
a\tb\toption\t1\tsae.kk\t
a\tb\toption\t1\tsae.type=tpok\t
a\tb\toption\t1\tfacet rnu\t
a\tb\toption\t1\tfacet run --sett\t
a\tb\toption\t1\trun:trian\t
a\tb\toption\t1\tanalysis.metrics.nmsee\t
a\tb\toption\t1\tevent.jsonl\t
a\tb\tchoice\t1\tnone\t
a\tb\toption\t1\tnone
"""
FOUND = """\
p:3: sae.kk: no such key
p:4: sae.type=tpok: no such key and value
p:5: facet rnu: no such command
p:6: facet run --sett: no option --sett
p:7: run:trian: no such verb
p:8: analysis.metrics.nmsee: no such key, figure or column
p:9: event.jsonl: no such file of a run
p:10: kind 'choice', should be one of ['metric', 'option', 'output', 'script']
p:11: 5 cells, should be 6
""".splitlines()

if __name__ == "__main__":
    root = Path(sys.argv[2])
    known = Known(sys.argv[1], root)
    if "--planted" in sys.argv:
        found = list(problems_of("p", PLANTED, known))
        print(*found, sep="\n")
        sys.exit(0 if found == FOUND else 1)
    tables = sorted(root.glob("docs/from/*.tsv"))
    found = [p for table in tables for p in problems_of(table.name, table.read_text(), known)]
    if len(tables) < 5:
        found.append(f"docs/from: {len(tables)} tables, should be at least 5")
    print(*found, sep="\n", end="\n" if found else "")
    sys.exit(1 if found else 0)
