"""Benchmarks with peers in one run, and the page that they fill: ``make report``.

    python -m tests.benchmarks.report                   # everything, about ten minutes
    python -m tests.benchmarks.report --quick           # a small part of each, to see that it runs
    python -m tests.benchmarks.report --part battery    # one part anew, the others as they were
    python -m tests.benchmarks.report --page            # the page from the last figures
    python -m tests.benchmarks.report --case NAME       # one fit of the battery, in full

Each part is measured in a process of its own, on one thread of linear algebra. The figures go to
.benchmarks/report.json, what the page needs of them to docs/benchmarks.json, and the page,
docs/benchmarks.md, is written from the latter alone.
"""
