"""Whichever BLAS kernel a machine has, the same fits are refused, and the others have the same values."""

import importlib.util
import json
import os
import platform
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

HERE = Path(__file__).parent
NAMES = {
    "x86_64": ("Prescott", "Nehalem", "Sandybridge", "Haswell", "Zen", "SkylakeX"),
    "aarch64": ("ARMV8", "NEOVERSEN1", "NEOVERSEV1"),
}
FIRST, PROBED = "as the machine chooses", (*NAMES.get(platform.machine().replace("AMD64", "x86_64"), ()),)
PROBE = """
import ctypes, sys
for path in sys.argv[1:]:
    library = ctypes.CDLL(path)
    for ending in ("64_", ""):
        core = getattr(library, "scipy_openblas_get_corename" + ending, None)
        if core:
            core.restype = ctypes.c_char_p
            print(core().decode(), getattr(library, "scipy_openblas_get_num_threads" + ending)())
"""


def libraries() -> list[str]:
    """The copies of OpenBLAS that numpy and scipy bring along."""
    found = [Path(importlib.util.find_spec(name).origin).parents[1] / f"{name}.libs" for name in ("numpy", "scipy")]
    return [str(path) for folder in found for path in sorted(folder.glob("*openblas*"))]


def environment(kernel: str) -> dict[str, str]:
    chosen = {} if kernel == FIRST else {"OPENBLAS_CORETYPE": kernel}
    return {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"} | chosen


def in_force(kernel: str) -> str:
    """Which kernel each copy runs where this one is asked for, and with how many threads."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", PROBE, *libraries()], env=environment(kernel), capture_output=True, text=True
    )
    return done.stdout


@pytest.fixture(scope="module")
def seen() -> dict[str, str]:
    """The kernels that were tried, by what is in force under them."""
    return {}


@pytest.fixture(scope="module")
def expected(seen) -> dict[str, object]:
    """What the machine's own kernel gives."""
    seen[in_force(FIRST)] = FIRST
    return fits(FIRST)


def fits(kernel: str) -> dict[str, object]:
    command = [sys.executable, str(HERE / "fits_for_kernels.py"), str(HERE.parents[1] / "data" / "demo")]
    done = subprocess.run(command, env=environment(kernel), capture_output=True, text=True)
    if done.returncode == -signal.SIGILL and kernel != FIRST:
        pytest.skip(f"{kernel}: the processor has not all its instructions")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_one_thread():
    told = in_force(FIRST).splitlines()
    assert [line.split()[1] for line in told] == ["1"] * len(told)


def test_what_is_fitted_and_what_is_not(expected):
    refused = {name for name, made in expected.items() if isinstance(made, str)}
    for model in ("bgnbd", "mbgnbd", "pareto_nbd", "mbgcnbd"):
        assert {f"{model} nobody leaves", f"{model} leaving alike"} <= refused
        assert f"{model} differing" not in refused
    assert {"sbg a tenth leaves", "sbg a tenth of ten times as many", "sbg at the first renewal or never"} <= refused
    assert {"bgnbd buying alike", "pareto_nbd of two kinds, never", "bgbb nobody leaves"} <= refused
    assert not {"sbg published", "bgbb differing", "bgnbd of two kinds, differing", "retailco pareto_nbd"} & refused


@pytest.mark.parametrize("kernel", PROBED)
def test_another_kernel_says_the_same(kernel, expected, seen):
    now = in_force(kernel)
    if now in seen:
        pytest.skip(f"{kernel}: not in this OpenBLAS or not for this processor; it runs what it does for {seen[now]}")
    seen[now] = kernel
    found = fits(kernel)
    assert {name: made for name, made in found.items() if isinstance(made, str)} == {
        name: made for name, made in expected.items() if isinstance(made, str)
    }
    for name, made in found.items():
        if not isinstance(made, str):
            assert made == pytest.approx(expected[name], rel=1e-6), name
