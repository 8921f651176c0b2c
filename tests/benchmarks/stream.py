"""Fits of a Parquet file against reading it: time of both, and the peak of memory.

Run ``python tests/benchmarks/stream.py --n 100_000_000 --folder /some/where``. The file, 8 N bytes
before compression, is written first, by another process, and kept for the next run. Each figure is
that of a process of its own; the file is in the page cache for all of them.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np


def write(path, n):
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    schema = pa.schema([("x", pa.float64())])
    with pq.ParquetWriter(path, schema, compression="none", use_dictionary=False) as out:
        for start in range(0, n, 2**20):
            x = rng.gamma(3.0, 2.0, min(2**20, n - start))
            out.write_table(pa.table({"x": x}, schema=schema), row_group_size=2**20)


def read(path):
    import pyarrow.parquet as pq

    return sum(batch.num_rows for batch in pq.ParquetFile(path).iter_batches(131_072))


def fit(path, family):
    import natfit

    opened = []
    stream = natfit.Stream(path)
    each = stream.each
    stream.each = lambda *args: (opened.append(1), each(*args))[1]
    model = natfit.NaturalMLE(family).fit(stream)
    return len(opened), {k: float(v[0]) for k, v in model.params_.items()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--n", type=int, default=2_000_000)
    parser.add_argument("--folder", default=".")
    parser.add_argument("--do", default="")
    args = parser.parse_args()
    path = Path(args.folder) / f"stream-{args.n}.parquet"
    if args.do == "write":
        write(path, args.n)
    elif args.do:
        # Imports are timed on neither side.
        import pyarrow.parquet  # noqa: F401

        if args.do != "read":
            import natfit

            natfit.NaturalMLE(args.do).fit(np.arange(1.0, 99.0)[:, None])
        start = time.perf_counter()
        found = read(path) if args.do == "read" else fit(path, args.do)
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps([round(seconds, 2), round(peak), found]))
    else:
        for do in (*(["write"] if not path.exists() else []), "read", "gamma", "weibull", "read"):
            command = [sys.executable, __file__, "--n", str(args.n), "--folder", args.folder]
            out = subprocess.run([*command, "--do", do], check=True, stdout=subprocess.PIPE)
            if do != "write":
                seconds, peak, found = json.loads(out.stdout)
                print(f"{do:8} {seconds:7.2f} s  peak {peak} MB  {found}", flush=True)


if __name__ == "__main__":
    main()
