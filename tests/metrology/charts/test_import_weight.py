from __future__ import annotations

import subprocess
import sys


def test_the_web_process_gets_no_heavy_library_with_the_charts():
    code = (
        "import sys, importlib, pkgutil, metrology.charts as charts;"
        "[importlib.import_module(f'metrology.charts.{one.name}') for one in pkgutil.iter_modules(charts.__path__)];"
        "heavy = {'scipy', 'statsmodels', 'plotly', 'skimage', 'numba', 'torch', 'django', 'numpy'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
