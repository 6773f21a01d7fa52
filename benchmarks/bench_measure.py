"""The measurement core against numpy, scipy and scikit-image at their best, and against `microscopemetrics` on beads.

Run `python -m benchmarks.bench_measure [--tiles 5] [--repeats 5] [--peer-repeats 3] [--only plane,beads,cache]`.

One process, one thread; a second column gives our time with two, and one row the whole with two threads allowed to both.
Medians of wall time; ratios are made within the run. Every value is compared with the exact composition (double precision)
on one frame of the mosaic before its time counts.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numba
import numpy as np
import threadpoolctl

from benchmarks.inputs import BEAD_PIXEL_UM, BEAD_STEP_UM, BEAD_WIDTHS_UM, bead_stack, mosaics
from benchmarks.peers.plane import TEXTURES, PlanePeer, errors, gradient_error, similarity
from benchmarks.report import FOLDER, Row, compared, write
from metrology.attributes import comparison, glcm, intensity, noise, sharpness
from metrology.attributes.beads import measure_beads
from metrology.attributes.views import PairView, PlaneView

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[1]
PEER_NAME = "scikit-image, scipy, numpy"
BEAD_PEER = "microscopemetrics==0.2.4"
TARGET_TABLE, TARGET_BEADS, TARGET_MEMORY = 30.0, 5.0, 3.0
PLANE_FIGURES = {
    "mean, std, cv": (intensity.mean, intensity.std, intensity.cv),
    "saturated and zero fraction": (intensity.saturated_fraction, intensity.zero_fraction),
    "background, SNR": (intensity.background, noise.snr),
    "noise (db2 wavelet)": (noise.noise,),
    "Sobel sharpness": (sharpness.sharpness,),
    "Laplacian variance, Brenner": (sharpness.laplacian_variance, sharpness.brenner),
    "GLCM, 6 figures, 64 levels": tuple(getattr(glcm, name) for name in TEXTURES),
}
PAIR_FIGURES = {
    "MSE, PSNR": (comparison.mse, comparison.psnr),
    "MSEMG": (comparison.msemg,),
    "SSIM": (comparison.ssim,),
}
PLANE_PEERS: dict[str, Callable[[PlanePeer], list[float]]] = {
    "mean, std, cv": PlanePeer.moments,
    "saturated and zero fraction": PlanePeer.clipped,
    "background, SNR": PlanePeer.levels,
    "noise (db2 wavelet)": lambda peer: [peer.noise],
    "Sobel sharpness": PlanePeer.sharpness,
    "Laplacian variance, Brenner": PlanePeer.focus,
    "GLCM, 6 figures, 64 levels": PlanePeer.texture,
}
PAIR_PEERS = {"MSE, PSNR": errors, "MSEMG": gradient_error, "SSIM": similarity}
# (figures, planes read, at most how many times the time of reading them once)
PASSES = (
    ("mean, std, cv", 1, 2.0),
    ("Sobel sharpness", 1, 12.0),
    ("GLCM, 6 figures, 64 levels", 1, 60.0),
    ("SSIM", 2, 60.0),
)


@numba.njit(parallel=True, fastmath=True)
def one_pass(plane: np.ndarray) -> int:
    """Sum all pixels: the least that looking at each of them can cost."""
    total = 0
    for i in numba.prange(plane.shape[0]):
        line = np.uint64(0)
        for j in range(plane.shape[1]):
            line += plane[i, j]
        total += line
    return total


def plane_values(plane: np.ndarray, depth: int, title: str | None = None) -> list[float]:
    """Return our figures of a plane: those of one row of the table, or all on one view, as a worker measures them."""
    view = PlaneView(plane, bit_depth=depth)
    rows = PLANE_FIGURES.values() if title is None else [PLANE_FIGURES[title]]
    return [function(view).value for row in rows for function in row]


def pair_values(first: np.ndarray, second: np.ndarray, depth: int, title: str | None = None) -> list[float]:
    """Return our figures of a pair as it is: scikit-image's do not register either."""
    view = PairView(first, second, bit_depth=depth)
    view.counts = tuple(PlaneView(one, bit_depth=depth).counts for one in (first, second))
    rows = PAIR_FIGURES.values() if title is None else [PAIR_FIGURES[title]]
    return [function(view).value for row in rows for function in row]


def peer_values(first: np.ndarray, second: np.ndarray, depth: int, title: str | None, dtype: type) -> list[float]:
    """Return the peer's figures: those of one row, nothing shared with others, or all with every pass shared."""
    one = PlanePeer(first, bit_depth=depth, dtype=dtype)
    if title in PLANE_PEERS:
        return PLANE_PEERS[title](one)
    other = PlanePeer(second, bit_depth=depth, dtype=dtype)
    if title is not None:
        return PAIR_PEERS[title](one, other)
    return [*one.table(), *errors(one, other), *gradient_error(one, other), *similarity(one, other)]


def seconds(function: Callable[[], object], repeats: int) -> float:
    """Return the median wall time [s]."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def on_threads(function: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Return the median wall times with one and with two threads [s]."""
    found = []
    for threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
        numba.set_num_threads(threads)
        found.append(seconds(function, repeats))
    numba.set_num_threads(1)
    return found[0], found[1]


def plane_rows(given: argparse.Namespace) -> list[Row]:
    """Compare the figures of a mosaic, alone and together."""
    first, second, depth, name = mosaics(given.tiles)
    side = f"{name} {first.shape[0]}×{first.shape[1]}, {depth} bit"
    _check_values(first[:1024, :1024].copy(), second[:1024, :1024].copy(), depth)
    floor = on_threads(lambda: one_pass(first), 3 * given.repeats)
    rows = [Row(f"one-pass read of {side} [ms]", 1e3 * floor[0], two_threads=1e3 * floor[1])]
    ours: dict[str, float] = {}
    for title in (*PLANE_FIGURES, *PAIR_FIGURES):
        if title in PLANE_FIGURES:
            times = on_threads(lambda title=title: plane_values(first, depth, title), given.repeats)
        else:
            times = on_threads(lambda title=title: pair_values(first, second, depth, title), given.repeats)
        peer = seconds(lambda title=title: peer_values(first, second, depth, title, np.float32), given.peer_repeats)
        ours[title] = times[0]
        rows.append(_compared(f"{title} [ms]", times, peer))

    def whole() -> None:
        plane_values(first, depth)
        pair_values(first, second, depth)

    def whole_peer() -> list[float]:
        return peer_values(first, second, depth, None, np.float32)

    times, what = on_threads(whole, given.repeats), "all together, passes shared on both sides"
    rows.append(_compared(f"{what} [ms]", times, seconds(whole_peer, given.peer_repeats), TARGET_TABLE))
    with threadpoolctl.threadpool_limits(2):
        peer = 1e3 * seconds(whole_peer, given.peer_repeats)
    what = f"{what}, two threads on both [ms]"
    rows.append(compared(what, ours=1e3 * times[1], peer=peer, peer_name=PEER_NAME, target=TARGET_TABLE))
    for title, planes, most in PASSES:
        passes = ours[title] / (planes * floor[0])
        what = "one-pass read" if planes == 1 else "one-pass read of both planes"
        rows.append(Row(f"{title}, over the {what} [×, at most]", passes, target=most, met=passes <= most))
    return rows


def _compared(what: str, ours: tuple[float, float], peer: float, target: float | None = None) -> Row:
    row = compared(what, ours=1e3 * ours[0], peer=1e3 * peer, peer_name=PEER_NAME, target=target)
    return replace(row, two_threads=1e3 * ours[1])


def _check_values(first: np.ndarray, second: np.ndarray, depth: int) -> None:
    """Compare all values with the exact composition; compiles or loads all kernels on the way."""
    for title in (*PLANE_FIGURES, *PAIR_FIGURES):
        mine = plane_values(first, depth, title) if title in PLANE_FIGURES else pair_values(first, second, depth, title)
        exact = peer_values(first, second, depth, title, np.float64)
        np.testing.assert_allclose(mine, exact, rtol=1e-6, err_msg=title)
        np.testing.assert_allclose(
            peer_values(first, second, depth, title, np.float32), exact, rtol=1e-3, err_msg=title
        )
    one_pass(first)


def memory_rows(given: argparse.Namespace) -> list[Row]:
    """Measure the memory of a fresh process at its peak, the plane itself counted."""
    rows = []
    for kind, what in (("plane", "without a reference"), ("pair", "against a reference, of both planes")):
        command = [sys.executable, "-m", "benchmarks.bench_measure", "--tiles", str(given.tiles), "--peak-of", kind]
        times = float(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)  # noqa: S603 (this file)
        target = TARGET_MEMORY
        rows.append(Row(f"peak memory, all {what} [× the plane, at most]", times, target=target, met=times <= target))
    return rows


def peak(kind: str, tiles: int) -> float:
    """Return input and growth of this process's memory while it measures, over the size of the input."""
    first, second, depth, _ = mosaics(tiles)
    small = first[:256, :256].copy(), second[:256, :256].copy()
    plane_values(small[0], depth)
    pair_values(*small, depth)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forget the peak of getting here
    before = _status("VmRSS")
    if kind == "plane":
        plane_values(first, depth)
        inputs = first.nbytes
    else:
        pair_values(first, second, depth)
        inputs = first.nbytes + second.nbytes
    return (_status("VmHWM") - before + inputs) / inputs


def _status(field: str) -> int:
    """Return a figure of this process's memory [byte]."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (line,) = (line for line in lines if line.startswith(field))
    return 1024 * int(line.split()[1])


def bead_rows(given: argparse.Namespace) -> list[Row]:
    """Compare the measurement of 25 beads with microscopemetrics, which runs in its own environment."""
    stack = bead_stack()
    sizes = {"pixel_size_um": BEAD_PIXEL_UM, "z_step_um": BEAD_STEP_UM, "bit_depth": 12}
    field = measure_beads(stack, **sizes)
    widths = [
        statistics.median(getattr(bead, axis).fwhm_um for bead in field.beads)
        for axis in ("axial", "lateral_y", "lateral_x")
    ]
    np.testing.assert_allclose(widths, BEAD_WIDTHS_UM, rtol=0.01)
    what = "25 beads in 91×512×512"
    ours = seconds(lambda: measure_beads(stack, **sizes), given.repeats)
    rows = [
        Row(f"{what}: beads measured of 25, widths within 1 %", len(field.beads), target=25, met=len(field.beads) == 25)
    ]
    python = _peer_environment()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "beads.npy"
        np.save(path, stack)
        script = ROOT / "benchmarks" / "peers" / "microscopemetrics_beads.py"
        command = [str(python), str(script), str(path), str(BEAD_PIXEL_UM), str(BEAD_STEP_UM)]
        answers = [_answer(command) for _ in range(given.peer_repeats)]
    peer = statistics.median(answer["seconds"] for answer in answers)
    name = f"{BEAD_PEER}, {answers[0]['beads']} beads kept"
    rows.append(compared(f"{what} [s]", ours=ours, peer=peer, peer_name=name, target=TARGET_BEADS))
    return rows


def _answer(command: list[str]) -> dict[str, float]:
    done = subprocess.run(  # noqa: S603 (the peer's script in its own environment)
        command, check=True, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _peer_environment() -> Path:
    """Return the Python of an environment that holds the peer, made at the first run."""
    folder = FOLDER / "peers" / "microscopemetrics"
    python = folder / "bin" / "python"
    if not (folder / "installed").is_file():
        uv = [sys.executable, "-m", "uv"]
        subprocess.run([*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)], check=True)  # noqa: S603 (uv is pinned)
        install = [*uv, "pip", "install", "--system-certs", "--quiet", "--python", str(python), BEAD_PEER]
        subprocess.run(install, check=True)  # noqa: S603 (uv is pinned)
        (folder / "installed").write_text(BEAD_PEER + "\n", encoding="ascii")
    return python


def cache_rows() -> list[Row]:
    """Time a fresh process to its first measured image, with an empty cache of compiled kernels and with a full one."""
    command = [sys.executable, "-m", "metrology.attributes.warm_up"]

    def start(folder: str) -> None:
        subprocess.run(command, cwd=ROOT, check=True, env=os.environ | {"NUMBA_CACHE_DIR": folder})  # noqa: S603 (a module of ours)

    with tempfile.TemporaryDirectory() as folder:
        cold = seconds(lambda: start(folder), 1)
        warm = seconds(lambda: start(folder), 3)
    importing = [sys.executable, "-c", "import metrology.attributes.measure"]
    bare = seconds(lambda: subprocess.run(importing, cwd=ROOT, check=True), 3)  # noqa: S603 (a module of ours)
    return [
        Row("fresh process, all kernels compiled, one image measured [s] (once a machine)", cold),
        Row("fresh process, kernels from the cache, one image measured [s]", warm),
        Row("of which importing [s]", bare),
    ]


def main() -> None:
    """Run the benchmark and write its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tiles", type=int, default=5, help="frames of 1024 px a side of the mosaic")
    parser.add_argument("--repeats", type=int, default=5, help="runs of ours, of which the median counts")
    parser.add_argument("--peer-repeats", type=int, default=3, help="runs of the peers, which take long")
    parser.add_argument("--only", default="plane,beads,cache", help="parts to run")
    parser.add_argument("--peak-of", choices=("plane", "pair"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    numba.set_num_threads(1)
    with threadpoolctl.threadpool_limits(1):
        if given.peak_of:
            print(peak(given.peak_of, given.tiles))
            return
        load = os.getloadavg()[0]
        rows = [*plane_rows(given), *memory_rows(given)] if "plane" in given.only else []
        rows += bead_rows(given) if "beads" in given.only else []
        rows += cache_rows() if "cache" in given.only else []
    rows.append(Row("load of the machine when the run began (0 is quiet)", load))
    write("measure", rows)
    print(f"Medians: {given.repeats} runs of ours, {given.peer_repeats} of the peers; 'ours' with 1 thread.")


if __name__ == "__main__":
    main()
