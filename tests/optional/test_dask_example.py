"""The example of rows on dask."""

import importlib.util
from pathlib import Path

import pytest

pytest.importorskip("dask.array")

PLACE = Path(__file__).parents[2] / "examples" / "scale" / "plot_dask.py"


def test_estimates_do_not_depend_on_the_partitions():
    spec = importlib.util.spec_from_file_location("plot_dask", PLACE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    result = module.compute(n=20_000, partitions=(1, 4))
    assert result["gap"].max() < 1e-3
