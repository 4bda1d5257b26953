"""The same experiment in two folders: equal ids, equal bits; one changed byte of an input, or --set: another id."""
import pathlib
import sys
import tempfile

import runs


def expect(condition, what):
    if not condition:
        sys.exit(what)
    print(what)


with tempfile.TemporaryDirectory() as top:
    top = pathlib.Path(top)
    one = runs.make_experiment(top / "one")
    two = runs.make_experiment(top / "deeper" / "two")
    runs.run(one)
    runs.run(two)
    expect(runs.run_folder(one).name == runs.run_folder(two).name, "two folders give one id")
    expect(not runs.differences(runs.results(one), runs.results(two)), "two folders give the same bits")

    again = runs.run(one)
    reused = runs.run_folder(one).name
    expect("done before, nothing to do" in again.stderr, "a finished run is found again, and says so")

    three = runs.make_experiment(top / "three")
    text = (three / "proteins.fasta").read_text()
    (three / "proteins.fasta").write_text(text[:-2] + ("A" if text[-2] != "A" else "C") + "\n")
    runs.run(three)
    expect(runs.run_folder(three).name != reused, "one changed byte of an input gives another id")

    four = runs.make_experiment(top / "four")
    runs.run(four, "--set", "sae.k=4")
    expect(runs.run_folder(four).name != reused, "--set gives another id")
