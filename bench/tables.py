"""The report of bench/run: rows of its file of results as Markdown tables."""
from statistics import median


def span(values, form="{:.4g}"):
    """median [least, most]"""
    return f"{form.format(median(values))} [{form.format(min(values))}, {form.format(max(values))}]"


def number(value):
    """Four digits, or all before the point."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def number_span(values):
    return f"{number(median(values))} [{number(min(values))}, {number(max(values))}]"


def setting(row):
    return row["threads"], row["isa"]


def title(of):
    threads, isa = of
    return f"{threads} thread{'s' if threads > 1 else ''}" + (", no AMX" if isa == "avx512" else "")


def machine_table(rows):
    last = rows[-1]
    print(f"{last['cpu']}, {last['cores']} cores, {last['memory_gib']} GiB; {' '.join(last['features'])}")
    print("; ".join(f"{name} {version}" for name, version in last["versions"].items()) + "\n")
    print("| through LibTorch | fp32 GEMM, GFLOP/s | bf16 GEMM, GFLOP/s | copy, GB/s | triad, GB/s |\n| --- | ---: | ---: | ---: | ---: |")
    for of in dict.fromkeys(map(setting, rows)):
        these = [row for row in rows if setting(row) == of]
        figures = (number_span([row[key] for row in these]) for key in ("fp32_gflops", "bf16_gflops", "copy_gbs", "triad_gbs"))
        print(f"| {title(of)} | {' | '.join(figures)} |")
    print()


def work_table(rows):
    facet = {row["round"]: median(row["rates"]) for row in rows if row["who"] == "facet"}
    first = rows[0]
    print(f"| {first['work']}, {first['what']}; {title(setting(first))} | {first['unit']} | ratio | peak MiB |\n| --- | ---: | ---: | ---: |")
    for who, tuned in dict.fromkeys((row["who"], row["tuned"]) for row in rows):
        of = [row for row in rows if (row["who"], row["tuned"]) == (who, tuned)]
        ratios = [facet[row["round"]] / median(row["rates"]) for row in of if row["round"] in facet]
        ratio = "" if who == "facet" or not ratios else span(ratios, "{:.2f}")
        rates = number_span([rate for row in of for rate in row["rates"]])
        print(f"| {who}{', tuned allocator' if tuned else ''} | {rates} | {ratio} | {max(row['peak_mib'] for row in of):.0f} |")
    print()


def report(rows):
    print("Median [least, most]; rates: over all blocks, ratios: facet over the other, over rounds. Peak memory: the largest.\n")
    if any(row["quick"] for row in rows):
        print("Of --quick: these figures mean nothing.\n")
    machine = [row for row in rows if row["work"] == "machine"]
    if machine:
        machine_table(machine)
    for work in sorted({row["work"] for row in rows} - {"machine"}):
        of_work = [row for row in rows if row["work"] == work]
        for of in dict.fromkeys(map(setting, of_work)):
            work_table([row for row in of_work if setting(row) == of])
