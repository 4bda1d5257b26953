#!/usr/bin/env python3
"""cut.py FOLDER: the parts of transformers' golden.safetensors and golden.json that the tests compare.

FOLDER holds what the peer computed for each CASE (batches padded on the right): CASE.input_ids, CASE.attention_mask,
CASE.hidden_states.K, CASE.last_block_output, CASE.logits [sequences, tokens, ...] and inv_freq. Written beside this file,
of each sequence without its pads: CASE.I.input_ids [n]; of every 7th token and the last one CASE.I.positions [m],
CASE.I.hidden_states.K and CASE.I.last_block_output [m, d]; of the first token, the middle one and the last
CASE.I.logit_positions [3] and CASE.I.logits [3, vocabulary].
"""
import json
import struct
import sys
from pathlib import Path

HERE = Path(__file__).parent


def read_safetensors(path):
    data = path.read_bytes()
    (size,) = struct.unpack_from("<Q", data)
    tensors = json.loads(data[8 : 8 + size])
    tensors.pop("__metadata__", None)
    return tensors, data[8 + size :]


def write_safetensors(path, tensors):
    header, blob = {}, b""
    for name, (dtype, shape, data) in sorted(tensors.items()):
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(blob), len(blob) + len(data)]}
        blob += data
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + blob)


class Golden:
    def __init__(self, path):
        self.tensors, self.data = read_safetensors(path)

    def rows(self, name, sequence, positions):
        """The bytes of some rows of one sequence, their dtype and their shape."""
        about = self.tensors[name]
        _, length, *rest = about["shape"]
        width = {"F32": 4, "I64": 8}[about["dtype"]]
        for size in rest:
            width *= size
        begin = about["data_offsets"][0] + sequence * length * width
        cut = b"".join(self.data[begin + p * width : begin + (p + 1) * width] for p in positions)
        return about["dtype"], [len(positions)] + rest, cut

    def real_tokens(self, case, sequence):
        _, shape, data = self.rows(case + ".attention_mask", sequence, range(self.length(case)))
        return sum(struct.unpack("<%dq" % shape[0], data))

    def sequences(self, case):
        return self.tensors[case + ".input_ids"]["shape"][0]

    def length(self, case):
        return self.tensors[case + ".input_ids"]["shape"][1]


def integers(values):
    return "I64", [len(values)], struct.pack("<%dq" % len(values), *values)


def main():
    folder = Path(sys.argv[1])
    golden = Golden(folder / "golden.safetensors")
    about = json.loads((folder / "golden.json").read_text())
    out = {}
    begin, end = golden.tensors["inv_freq"]["data_offsets"]
    out["inv_freq"] = "F32", golden.tensors["inv_freq"]["shape"], golden.data[begin:end]
    for case in about["cases"]:
        for i in range(golden.sequences(case)):
            n, name = golden.real_tokens(case, i), "%s.%d." % (case, i)
            positions = sorted(set(range(0, n, 7)) | {n - 1})
            logits = [0, n // 2, n - 1]
            out[name + "input_ids"] = golden.rows(case + ".input_ids", i, range(n))
            out[name + "positions"], out[name + "logit_positions"] = integers(positions), integers(logits)
            for part in ["hidden_states.%d" % k for k in range(6)] + ["last_block_output"]:
                out[name + part] = golden.rows("%s.%s" % (case, part), i, positions)
            out[name + "logits"] = golden.rows(case + ".logits", i, logits)
        about["cases"][case].pop("tokens")
        about["cases"][case]["padded_to"] = golden.length(case)
    write_safetensors(HERE / "golden.safetensors", out)
    (HERE / "golden.json").write_text(json.dumps(about, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
