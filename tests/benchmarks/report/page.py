"""The page of benchmarks, written from docs/benchmarks.json alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.benchmarks.report.digest import MISSING, headline, right
from tests.benchmarks.report.oracle import WORDS

HEAD = """# Benchmarks

`make report` measures everything on this page anew and writes it, in about ten minutes on two quiet cores; it installs the
pinned peers of `tests/benchmarks/peers.txt` into `.venv-peers` first. `make report ARGS="--part field"` measures one part,
`make report ARGS=--page` writes the page anew from the figures in [benchmarks.json](benchmarks.json). Nothing here is edited by hand, and the cases that natfit
loses are in the tables like all others."""

BATTERY = """## Robustness

Hostile but legitimate fits: families at usual and extreme parameters, few rows and many, units from 1e-9 to 1e9, an origin a
million scales away from the rows, an outlier, rows that are censored or known by class only. All rows follow from one seed.
Every tool is judged by the same rule. The best known log-likelihood is the largest of those that simplex searches reach from
the true parameters and from the best answer of any tool, and of all answers; densities and tails are scipy's, but for families
that it has not, and for the generalised gamma distribution, which it cannot say near the lognormal. An answer is right if it is
at most {tolerance:g} nats in total below the best known. It *fails silently* if it is not right, or not finite, and nothing was said: no
error, no warning of any kind, no flag of the result. A tool gets {patience:g} s of the processor for a fit."""

REGIONS = """Settings of which no maximum is seen are left out, because the likelihood still grows at the end of five simplexes or up to the
end of the region in which the family has maxima: {left}. `python -m tests.benchmarks.report --case NAME` shows a fit in full, by the names of the next tables."""

RACES = """Seconds are those of the processor on one thread: the median and in brackets the quartiles, over rounds in which the tools
take turns. The ratio is the tool's time over natfit's in the same round, median and quartiles: below one the tool is faster.
Accuracy is how far the log-likelihood of the estimate, by one formula for all, lies below the best known, in nats in total
unless the row says otherwise. Memory is what a fit adds at most to the resident memory of a process of its own (the high-water
mark that Linux keeps), which has made the same fit before, so that what is imported and kept does not count."""

REPRODUCE = '`python -m tests.benchmarks.report --case "{name}"`'


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |" for cells in lines
    )


def written(found: dict[str, Any]) -> str:
    """Return the page of a digest."""
    parts = [HEAD, _numbers(found), *_machine(found)]
    titles: dict[str, tuple[str, Callable[[Any], list[str]]]] = {
        "battery": (BATTERY, _battery),
        "field": (
            "## Field cases\n\nPublished rows, whose sources the folders `examples/data` and "
            f"`tests/data` name.\n\n{RACES}",
            _contests,
        ),
        "regressions": ("## Regressions\n\nMeasured like the field cases.", _contests),
        "policies": ("## Policies", _policies),
        "start": ("## Start and size", _start),
    }
    for part, (title, make) in titles.items():
        if "error" in found[part]:
            title = title.split("\n\n")[0]
            parts += [title, f"This part was {MISSING}: {found[part]['error']}."]
        else:
            parts += [title.format(**_values(found[part])), *make(found[part])]
    return "\n\n".join(parts) + "\n"


def _values(part: dict[str, Any]) -> dict[str, Any]:
    return {key: part.get(key, 0.0) for key in ("tolerance", "patience")}


def _numbers(found: dict[str, Any]) -> str:
    # README has the same block, and docs/_generate.py fills both.
    return f"## Four numbers\n\n<!-- measured -->\n\n{measured(found)}\n\n<!-- end -->"


def measured(found: dict[str, Any]) -> str:
    """Return the table of the four numbers, as README has it too."""
    return table(["what", "measured"], [list(row) for row in headline(found).items()])


def _machine(found: dict[str, Any]) -> list[str]:
    m = found["machine"]
    threads = ", ".join(f"{name}={value}" for name, value in m["threads"].items())
    rows = [
        ["processor", f"{m['processor']}, {m['cores']} cores, {m['memory_gb']} GiB of memory"],
        ["system", f"{m['system']}, Python {m['python']}"],
        [
            "versions",
            ", ".join(f"{k} {v}" for k, v in {"natfit": m["natfit"], **m["versions"]}.items()),
        ],
        ["threads", threads],
        ["date", m["date"]],
        ["load when it ended", f"{m['load']} processes wanted the processor, over the last minute"],
    ]
    parts = ["## Machine", table(["", ""], rows)]
    if found["quick"]:
        parts.append("**A quick run: a few cases of each part, which say nothing of the whole.**")
    return parts


# -------------------------------------------------------------------------------------- battery


def _battery(part: dict[str, Any]) -> list[str]:
    tools = list(part["tools"])
    rows = []
    for tool in tools:
        if tool not in part["installed"]:
            rows.append([tool, "not installed", *[""] * (len(WORDS) + 2)])
            continue
        counts = part["words"]["all"].get(tool, {})
        total = sum(counts.values())
        share = f"{100.0 * counts.get('silent failure', 0) / total:.2g} %" if total else "-"
        seconds = part["seconds"].get(tool)
        cells = [f"{counts.get(word, 0):,}" for word in WORDS]
        rows.append(
            [tool, f"{total:,}", *cells, share, f"{1e3 * seconds:.3g} ms" if total else "-"]
        )
    head = ["tool", "fits", *WORDS, "silent, of its fits", "mean time of a fit"]
    shared = [
        [peer, f"{row['fits']:,}", f"{row['natfit']:,}", f"{row['peer']:,}"]
        for peer, row in part["shared"].items()
    ]
    left = ", ".join(f"`{name}`" for name in part["left_out"]) or "none was"
    return [
        f"{part['fits']:,} fits were asked for; a tool is asked for those that it offers:",
        table(head, rows),
        "How each is called: " + "; ".join(f"{k}: {v}" for k, v in part["tools"].items()) + ".",
        "Silent failures in the fits that both offer:",
        table(["peer", "fits of both", "natfit fails silently", "the peer fails silently"], shared),
        "Silent failures by what is hard, of the fits offered; a fit belongs to several lines:",
        _silent(part["by_kind"], tools),
        "By family:",
        _silent(part["by_family"], tools),
        REGIONS.format(left=left),
        *_failures(part["failures"]),
    ]


def _silent(groups: dict[str, Any], tools: list[str]) -> str:
    rows = []
    for group, counts in groups.items():
        cells = [group]
        for tool in tools:
            words = counts.get(tool, {})
            total = sum(words.values())
            cells.append(f"{words.get('silent failure', 0):,} / {total:,}" if total else "-")
        rows.append(cells)
    return table(["", *tools], rows)


def _failures(failures: dict[str, list[dict[str, Any]]]) -> list[str]:
    own = failures["natfit"]
    parts = [
        "Fits of natfit that are not right, all of them. Those that ended as `boundary` warned, but of "
        "the wrong thing: the message says that the best value lies at a limit, and a better one lies "
        "elsewhere."
    ]
    head = ["fit", "in units", "word", "nats below", "what it said"]
    if own:
        parts.append(table(head, [_failure(one) for one in own]))
    else:
        parts[0] = "No fit of natfit failed, silently or not."
    rows = [
        [tool, *_failure(one)]
        for tool, many in failures.items()
        if tool != "natfit"
        for one in many
    ]
    if rows:
        parts += [
            "Of each peer, silent failures that are farthest below:",
            table(["tool", *head[:4]], [r[:5] for r in rows]),
        ]
    return parts


def _failure(one: dict[str, Any]) -> list[str]:
    below = "not finite" if one["below"] is None else f"{one['below']:.3g}"
    units = ", ".join(f"{unit:g}" for unit in one["units"])
    return [f"`{one['name']}`", units, one["word"], below, one["said"]]


# ------------------------------------------------------------------------------------- contests


def _contests(rows: dict[str, Any]) -> list[str]:
    body = []
    for name, row in rows.items():
        if "missing" in row:
            body.append([name, row["missing"], *[""] * 5])
            continue
        for side, found in row["sides"].items():
            body.append(
                [f"{name}: {row['what']}" if side == "natfit" else "", *_side(side, found, row)]
            )
    head = ["rows and model", "tool", "seconds", "ratio", "nats below", "memory, MB", "remark"]
    calls: dict[str, None] = {}
    for row in rows.values():
        calls |= dict.fromkeys(f"{k}: {v['how']}" for k, v in row["sides"].items() if v.get("how"))
    lost = [
        f"{name}: natfit is {', '.join(row['lost'])}" for name, row in rows.items() if row["lost"]
    ]
    words = (
        "natfit loses:\n\n" + "\n".join(f"- {line}." for line in lost)
        if lost
        else "natfit loses none."
    )
    return [table(head, body), words, "Calls: " + "; ".join(calls) + "."]


def _side(name: str, side: dict[str, Any], row: dict[str, Any]) -> list[str]:
    if side["state"] != "ok":
        return [name, side["state"], "", "", "", side.get("said", "")]
    below = "not finite" if side["below"] is None else f"{side['below']:.1g}"
    if row["unit"] != "nats in total":
        below += f" ({row['unit']})"
    memory = "-" if side["added_mb"] is None else f"{side['added_mb']:.2g}"
    words = [side["said"]] if side["said"] else []
    if not right(side) and row["unit"] == "nats in total":
        words.insert(0, "**not the best fit**")
    if name == "natfit" and row["lost"]:
        words.append("**" + ", ".join(row["lost"]) + "**")
    ratio = "1" if name == "natfit" else interval(side["ratio"])
    return [name, interval(side["seconds"]), ratio, below, memory, "; ".join(words)]


def interval(values: list[float | None], digits: int = 2) -> str:
    """Return a median and its quartiles in brackets."""
    if values[0] is None:
        return "-"
    middle, low, high = (_number(v, digits) for v in values)
    return f"{middle} [{low}, {high}]"


def _number(value: float, digits: int) -> str:
    """Return a number with as many digits, without an exponent where it is not tiny."""
    text = f"{value:.{digits}g}"
    return f"{value:.0f}" if "e+" in text else text


# ------------------------------------------------------------------------------ policies, start


def _policies(part: dict[str, Any]) -> list[str]:
    peer = "see below" if part["kept"] else "not installed"
    rows = []
    for name, row in part["rows"].items():
        cells = [interval(row[key], 3) for key in ("seconds", "steps", "reached")]
        rows.append([name, *cells, row["unit"], peer])
    head = ["task", "seconds", "steps of the environment", "reached", "in", "stable-baselines3"]
    words = (
        "natfit's default policies on built-in environments: seconds of the processor, over "
        "seeds 0, 1, 2 the median and in brackets the smallest and the largest."
    )
    if part["kept"]:
        more = [
            "The runs that `make bench-rl` kept, natfit beside stable-baselines3:",
            f"```text\n{part['kept']}\n```",
        ]
    else:
        more = [
            "`make bench-rl` installs stable-baselines3 and sb3-contrib into `.venv-rl` and compares with "
            "them, which takes hours; the next report has its tables."
        ]
    return [words, table(head, rows), *more]


def _start(part: dict[str, Any]) -> list[str]:
    starts = []
    for name, row in part["starts"].items():
        most = part["memory"][name]
        cell = row if isinstance(row, str) else interval(row)
        starts.append([name, cell, "-" if most is None else f"{most:.0f}"])
    sizes = []
    for name, row in part["sizes"].items():
        if isinstance(row, str):
            sizes.append([name, row, "", ""])
        else:
            sizes.append([name, f"{row['own']:.1f}", f"{row['all']:.0f}", f"{row['packages']:.0f}"])
    return [
        "Seconds of the processor until a fresh process has ended, less those of an empty program; files were read before. "
        "natfit imports its names on first use, so that a first fit says more than the import.",
        table(["what a fresh process does", "seconds", "peak of memory, MB"], starts),
        "Megabytes of the installed files, compiled byte code left out: the package, and with all that it requires.",
        table(["package", "alone", "with its requirements", "packages"], sizes),
    ]
