#!/usr/bin/env python3
"""Who may include whom: checks every #include line of the tree and prints the ones that break a rule."""
import re
import sys
from pathlib import Path

# A room may include itself and the rooms of the levels before its own.
LEVELS = [["base"], ["schema"], ["stats", "table", "plot", "tensor"], ["plugin"], ["data"], ["go"], ["host"], ["activations"], ["train"],
          ["run"], ["lua"], ["cli"]]
# The SDK's headers belong to the level from which they may be included.
SDK = {"base": ["build", "error", "event", "rng", "value"], "schema": ["schema"], "stats": ["stats"], "table": ["table"],
       "plot": ["plot"], "tensor": ["codes", "ops", "rows", "sae", "safetensors", "torch"],
       "plugin": ["analysis", "data", "generate", "host", "measures", "normaliser", "plugin", "splice", "stream"],
       "go": ["enrichment", "ontology"]}
# One door for each third-party library.
DOORS = {r"toml\+\+/": "core/run/manifest.cpp", r"(lua|lualib|lauxlib)\.h(pp)?$": "core/lua/",
         r"boost/": "core/plugin/", r"spdlog/|fmt/": "core/base/log.cpp", r"nlohmann/": "core/base/json.cpp",
         r"CLI/": "core/cli/", r"(histedit\.h|editline/)": "core/cli/line_editor.cpp", r"(zlib|zstd)\.h$": "core/data/",
         r"openssl/": "core/base/hash.cpp"}
TORCH = r"(torch|ATen|c10)/"
TORCH_FREE = {"base", "schema", "stats", "table", "plot", "go"}
SDK_MAY = {"ATen/core/Tensor.h", "torch/headeronly/version.h", "facet_plugin_digest.h"}
SDK_AT_MOST = 25
GUESTS = ("plugins/", "host_adapters/", "examples/", "tests/bad_plugins/", "tests/install/")

LEVEL = {room: i for i, rooms in enumerate(LEVELS) for room in rooms}
SDK_ROOM = {f"facet/{name}.h": room for room, names in SDK.items() for name in names}


def may_include(room, other):
    return room == other or LEVEL[other] < LEVEL[room]


def problem_of(root, file, header):
    """What is wrong with `header` included from `file`, or None."""
    where = file.relative_to(root).as_posix()
    parts = where.split("/")
    for pattern, door in DOORS.items():
        if re.match(pattern, header) and not where.startswith(door) and not where.startswith("tests/"):
            return f"only {door} may include it"
    if where.startswith("core/include/"):
        if where.endswith("/torch.h") or header in SDK_MAY or "/" not in header and not header.endswith(".h"):
            return None
        return None if header in SDK_ROOM else "an SDK header may include Tensor.h, the standard library and the SDK"
    other = SDK_ROOM.get(header) or (header.split("/")[0] if (root / "core" / header).is_file() else None)
    if where.startswith(GUESTS):
        return None if other is None or header in SDK_ROOM else "a part may include core/include/facet only"
    if parts[0] == "core":
        room = parts[1]
    else:
        room = "plugin" if parts[:2] == ["tests", "conformance"] else parts[2] if parts[:2] == ["tests", "core"] else None
    if room not in LEVEL:
        return None
    if parts[0] == "core" and room in TORCH_FREE and re.match(TORCH, header):
        return f"room {room} knows no torch"
    if other in LEVEL and not may_include(room, other):
        return f"room {room} may not include room {other}"
    return None


def violations(root):
    found = []
    sdk = sorted(root.glob("core/include/facet/*.h"))
    if len(sdk) > SDK_AT_MOST:
        found.append(f"core/include/facet:0: {len(sdk)} headers, should be at most {SDK_AT_MOST}")
    found += [f"core/include/facet/{h.name}:0: unknown to tests/structure" for h in sdk if f"facet/{h.name}" not in SDK_ROOM]
    for folder in ("core", "plugins", "host_adapters", "examples", "tests"):
        for file in sorted(root.glob(f"{folder}/**/*")):
            if file.suffix not in (".h", ".cpp", ".cu"):
                continue
            for number, line in enumerate(file.read_text().splitlines(), 1):
                included = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', line)
                wrong = included and problem_of(root, file, included[1])
                if wrong:
                    found.append(f"{file.relative_to(root)}:{number}: {included[1]}: {wrong}")
    return found


if __name__ == "__main__":
    problems = violations(Path(sys.argv[1]))
    print(*problems, sep="\n", end="\n" if problems else "")
    sys.exit(1 if problems else 0)
