"""Where a report was measured: machine, versions, threads; what natfit weighs and how fast it starts."""

from __future__ import annotations

import datetime
import importlib.metadata as metadata
import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import natfit
from tests.benchmarks.report.contest import present

#: One thread each, so that tools differ by their work and not by their threads.
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")

#: Distributions whose versions the page names, in its order.
NAMED = (
    *("numpy", "scipy", "autograd", "scikit-learn"),
    *("statsmodels", "lifelines", "reliability", "ngboost", "pandas"),
)

#: What is started in fresh processes: package that must be there, and the code.
STARTS: dict[str, tuple[str, str]] = {
    "`import natfit`": ("natfit", "import natfit"),
    "natfit and a first fit": ("natfit", "import natfit; natfit.fit('gamma', [1.0, 2.0, 4.0])"),
    "`import scipy.stats`": ("scipy", "import scipy.stats"),
    "scipy and a first fit": (
        "scipy",
        "from scipy import stats; stats.gamma.fit([1.0, 2.0, 4.0], floc=0)",
    ),
    "`import sklearn.linear_model`": ("sklearn", "import sklearn.linear_model"),
    "`import statsmodels.api`": ("statsmodels", "import statsmodels.api"),
    "`import lifelines`": ("lifelines", "import lifelines"),
    "`import reliability.Fitters`": ("reliability", "import reliability.Fitters"),
    "`import ngboost`": ("ngboost", "import ngboost"),
}

#: Tools whose installation is weighed.
WEIGHED = ("natfit", "statsmodels", "lifelines", "reliability", "ngboost")


def described() -> dict[str, Any]:
    """Return the machine, Python, versions, threads and the date."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
        if hasattr(os, "sysconf")
        else None,
        "system": platform.system(),
        "python": platform.python_version(),
        "natfit": natfit.__version__,
        "versions": {name: _version(name) for name in NAMED},
        "threads": {name: os.environ.get(name, "not set") for name in THREADS},
        "date": datetime.date.today().isoformat(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*:\s*(.+)$", info.read_text(), re.M) if info.exists() else None
    return found[1].strip() if found else platform.processor() or platform.machine()


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


# ----------------------------------------------------------------------------------------- size


def required(name: str) -> set[str]:
    """Return a distribution and all that it requires without extras, by normalised names."""
    todo, found = [name], set()
    while todo:
        one = re.sub(r"[-_.]+", "-", todo.pop()).lower()
        if one in found or _version(one) == "not installed":
            continue
        found.add(one)
        for line in metadata.requires(one) or []:
            # What follows a semicolon holds for extras, or for other machines.
            if "extra ==" not in line:
                todo.append(re.match(r"[\w.-]+", line)[0])
    return found


def megabytes(name: str) -> float:
    """Return the size of an installed distribution, compiled byte code left out."""
    if name == "natfit":
        files = [path for path in Path(natfit.__file__).parent.rglob("*") if path.is_file()]
    else:
        files = [Path(str(f.locate())) for f in metadata.files(name) or []]
    kept = [path for path in files if "__pycache__" not in path.parts and path.exists()]
    return sum(path.stat().st_size for path in kept) / 1e6


def sizes() -> dict[str, Any]:
    """Return, for each tool, its own size, and that of it and all that it requires."""
    rows = {}
    for name in WEIGHED:
        if _version(name) == "not installed":
            rows[name] = "not installed"
            continue
        all_of = required(name)
        rows[name] = {
            "own": megabytes(name),
            "all": sum(map(megabytes, all_of)),
            "packages": len(all_of),
        }
    return rows


# --------------------------------------------------------------------------------------- starts


def started(code: str) -> float:
    """Return the seconds of the processor that a fresh interpreter takes for code."""
    begin = os.times()
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    end = os.times()
    return end.children_user + end.children_system - begin.children_user - begin.children_system


def starts(rounds: int) -> dict[str, Any]:
    """Return the seconds of each start in every round, less those of an empty program in it."""
    codes = {name: code for name, (package, code) in STARTS.items() if present(package)}
    times: dict[str, Any] = {name: [] for name in codes}
    for k in range(rounds + 1):
        empty = started("pass")
        for name, code in codes.items():
            try:
                seconds = max(started(code) - empty, 0.0)
            except subprocess.CalledProcessError:
                times[name] = "failed"
                continue
            # In the first round files come from the disk.
            if k and times[name] != "failed":
                times[name].append(seconds)
    return {name: times.get(name, "not installed") for name in STARTS}


def memory() -> dict[str, float | None]:
    """Return the most memory that a fresh process holds for each start, MB; None but on Linux."""
    found: dict[str, float | None] = {}
    for name, (package, code) in STARTS.items():
        run = [sys.executable, "-c", f"{code}\nprint(open('/proc/self/status').read())"]
        done = subprocess.run(run, capture_output=True, text=True) if present(package) else None
        line = re.search(r"^VmHWM:\s+(\d+) kB", done.stdout if done else "", re.M)
        found[name] = int(line[1]) / 1024.0 if line else None
    return found


def measure(quick: bool = False) -> dict[str, Any]:
    """Return sizes, starts and their memory."""
    return {"sizes": sizes(), "starts": starts(1 if quick else 5), "memory": memory()}
