from __future__ import annotations

import subprocess
import sys


def test_the_web_process_gets_no_heavy_library_with_the_charts():
    code = (
        "import sys, importlib, pkgutil, metrology.charts;"
        "[importlib.import_module(f'metrology.charts.{one.name}') for one in pkgutil.iter_modules(metrology.charts.__path__)];"
        "print(sorted({'scipy', 'statsmodels', 'plotly', 'skimage', 'numba', 'torch', 'django', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
