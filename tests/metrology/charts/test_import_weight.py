from __future__ import annotations

import subprocess
import sys


def test_the_web_process_gets_no_heavy_library_with_the_charts():
    code = (
        "import sys; import metrology.charts.control_chart, metrology.charts.sparkline, metrology.charts.training_curve;"
        "print(sorted({'scipy', 'statsmodels', 'plotly', 'skimage', 'numba', 'torch', 'django'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
