# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloads and installs the packages of a lock file, all or nothing. Runs in the worker and never touches bpy.

Complete wheels are kept next to the runtime until it is installed, so that an interrupted installation can resume.
"""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...core.errors import InputError

LOCKS = Path(__file__).with_name("locks")
SYSTEM = {"linux": "linux", "win32": "windows", "darwin": "macos"}.get(sys.platform, sys.platform)
BLENDERS_OWN = (  # packages of Blender, which are never installed a second time
    "numpy", "requests", "urllib3", "certifi", "idna", "charset-normalizer", "zstandard", "attrs", "cattrs", "cython",
)  # fmt: skip
MARK = "freetalker-lock.txt"
"""File in an installed runtime: the lock file that it was installed from."""

_SPACE = {"cpu": 2, "metal": 2, "cuda": 10}  # GiB for the wheels and their content
_LARGE = ("torch", "triton", "nvidia-", "cuda-")  # downloaded one by one, all others in batches
_BATCH = 12
_POLL_SECONDS = 0.2
_SENTENCES = (  # (pattern in pip's output, explanation); the first match applies
    (r"No space left|not enough space|Errno 28", "The disk is full; free some space"),
    (r"DO NOT MATCH THE HASHES", "A downloaded file is not the one that was tested and was not installed, possibly "
    "because a proxy or a mirror changed it; try another network"),
    (r"407 |Proxy Authentication", "The proxy requires a user name and password; set "
    "HTTPS_PROXY=http://NAME:PASSWORD@HOST:PORT in the environment and restart "
    "Blender"),
    (r"CERTIFICATE_VERIFY_FAILED|SSLError|SSL: ", "The connection is not trusted, possibly because a proxy "
    "intercepts it; set PIP_CERT to the certificate file of the "
    "network and restart Blender"),
    (r"NewConnectionError|ConnectionError|ConnectTimeout|ReadTimeout|NameResolution|ProxyError|timed out|getaddrinfo",
     "The package index cannot be reached; check the network and the proxy"),
    (r"from versions: none|Content-Type|HTTP error|zipfile\.BadZipFile|is invalid", "The response is not from the "
    "package index, but possibly "
    "from the login page of a "
    "network or a proxy; sign in "
    "there or try another network"),
    (r"Permission denied|Errno 13|Access is denied", "The folder of the extension cannot be written; make it writable"),
)  # fmt: skip


@dataclass(frozen=True)
class Pin:
    """A line of a lock file.

    Args:
        name: Name of the package.
        version: Exact version.
        hashes: SHA-256 of the accepted wheels.
    """

    name: str
    version: str
    hashes: tuple[str, ...]

    @property
    def line(self) -> str:
        """The pin as a line of a requirements file."""
        return " ".join((f"{self.name}=={self.version}", *(f"--hash=sha256:{one}" for one in self.hashes)))

    @property
    def weight(self) -> int:
        """Approximate download time relative to a small package."""
        return 30 if self.name.startswith(_LARGE) else 1

    def wheel(self, folder: Path) -> Path | None:
        """Return its complete wheel in a folder, or None."""
        for path in sorted(folder.glob("*.whl")):
            name = path.name.partition("-")[0]
            if _plain(name) == _plain(self.name) and sha256(path) in self.hashes:
                return path
        return None


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def devices(folder: Path = LOCKS, python: str = "", system: str = SYSTEM) -> tuple[str, ...]:
    """List the devices with a lock file: cpu and cuda, or metal, or none.

    Args:
        folder: With the lock files.
        python: Tag such as cp311; the running Python by default.
        system: linux, windows or macos.
    """
    tag = python or f"cp{sys.version_info.major}{sys.version_info.minor}"
    return tuple(path.stem.rpartition("-")[2] for path in sorted(folder.glob(f"{tag}-{system}-*.txt")))


def lock_file(device: str, folder: Path = LOCKS, python: str = "", system: str = SYSTEM) -> Path:
    """Return the lock file of a device.

    Args:
        device: cpu, cuda or metal.
        folder, python, system: See `devices`.

    Raises:
        InputError: There is no lock file for this device, system and Python.
    """
    tag = python or f"cp{sys.version_info.major}{sys.version_info.minor}"
    path = folder / f"{tag}-{system}-{device}.txt"
    if not path.is_file():
        raise InputError(
            f"No runtime is available for Python {tag[2:3]}.{tag[3:]} on {system} with {device.upper()}; choose an "
            "existing environment in the preferences."
        )
    return path


def read_lock(path: Path, leave_out: Iterable[str] = ()) -> tuple[list[Pin], str]:
    """Read a lock file.

    Args:
        path: The lock file.
        leave_out: Names of packages to skip.

    Returns:
        (pins, URL of the additional index for torch; empty if there is none).
    """
    pins: list[Pin] = []
    index = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("# torch from "):
            index = line.removeprefix("# torch from ")
        name, equal, rest = line.partition("==")
        if equal and not line.startswith("#") and name not in leave_out:
            version, *hashes = rest.split()
            pins.append(Pin(name, version, tuple(one.removeprefix("--hash=sha256:") for one in hashes)))
    return pins, index


def download(pins: Sequence[Pin], index: str, folder: Path, run: Callable[[list[str], float, float], bool]) -> bool:
    """Download the missing wheels to a folder; each gets its final name only when it is complete.

    Args:
        pins: The packages.
        index: URL of the additional index for torch, or empty.
        folder: Where the wheels go.
        run: Called as run(pip's arguments, share that is there, share of this batch); False if it was cancelled.

    Returns:
        Whether all wheels are there; False if the download was cancelled.

    Raises:
        InputError: A wheel was not downloaded.
    """
    folder.mkdir(parents=True, exist_ok=True)
    coming = folder / "coming"
    total = sum(pin.weight for pin in pins)
    wanted = [pin for pin in pins if pin.wheel(folder) is None]
    try:
        while wanted:
            batch = _next_batch(wanted)
            shutil.rmtree(coming, ignore_errors=True)
            coming.mkdir()
            requirements = coming / "requirements.txt"
            requirements.write_text("\n".join(pin.line for pin in batch) + "\n", encoding="utf-8")
            arguments = ["download", "--no-deps", "--only-binary", ":all:", "--require-hashes", "--dest", str(coming),
                         "-r", str(requirements)]  # fmt: skip
            if index and batch[0].name == "torch":
                arguments += ["--extra-index-url", index]
            there = 1 - sum(pin.weight for pin in wanted) / total
            if not run(arguments, there, sum(pin.weight for pin in batch) / total):
                return False
            for wheel in coming.glob("*.whl"):
                os.replace(wheel, folder / wheel.name)
            lacking = [pin for pin in batch if pin.wheel(folder) is None]
            if lacking:
                raise InputError(f"The wheel of {lacking[0].name} {lacking[0].version} was not downloaded; try again.")
            wanted = wanted[len(batch) :]
    finally:
        shutil.rmtree(coming, ignore_errors=True)
    return True


def _next_batch(pins: Sequence[Pin]) -> list[Pin]:
    """Return the first pins, which are downloaded together; a large one is downloaded alone."""
    alone = [pin.weight > 1 for pin in pins[:_BATCH]]
    return list(pins[: alone.index(True) or 1 if True in alone else _BATCH])


def install(
    report: Callable[[float, str], None],
    cancelled: Callable[[], bool],
    lock: Path,
    leave_out: Iterable[str],
    site: Path,
    log: Path,
) -> None:
    """Install the packages of a lock file, replacing an existing runtime.

    Args:
        report: Receives the share that is done and the current step.
        cancelled: Asked while pip runs.
        lock: The lock file.
        leave_out: Names of packages to skip.
        site: Folder of the runtime.
        log: File for the output of pip.

    Raises:
        InputError: The packages cannot be downloaded or installed; then the old runtime stays unchanged, and complete
            wheels are kept.
    """
    report(0.0, "Preparing")
    pins, index = read_lock(lock, leave_out)
    wheels, part = site.with_name(site.name + ".wheels"), site.with_name(site.name + ".part")
    try:
        tidy(site)
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        log.write_bytes(b"")
        space = _SPACE[lock.stem.rpartition("-")[2]]
        if shutil.disk_usage(part).free < space * 2**30:
            raise InputError(f"The runtime needs {space} GiB of free space in {part.parent}; free some space.")

        def run(arguments: list[str], there: float, row: float) -> bool:
            def say(step: str, share: float) -> None:
                report(0.9 * (there + share * row), step or "Downloading")

            return _run_pip(arguments, log, part, cancelled, say)

        if not download(pins, index, wheels, run):
            return
        report(0.9, "Unpacking")
        paths = [str(pin.wheel(wheels)) for pin in pins]
        listed = part / "wheels.txt"
        listed.write_text("\n".join(Path(path).as_uri() for path in paths) + "\n", encoding="utf-8")
        arguments = ["install", "--no-deps", "--no-index", "--target", str(part / "site"), "-r", str(listed)]
        if not _run_pip(arguments, log, part, cancelled, lambda _step, _share: report(0.9, "Unpacking")):
            return
        shutil.copyfile(lock, part / "site" / MARK)
        _swap(part / "site", site)
        shutil.rmtree(wheels, ignore_errors=True)
        report(1.0, "Done")
    except OSError as error:
        raise InputError(
            f"The runtime folder cannot be written ({error.filename or part}: {error.strerror or error}); make it "
            "writable, or choose an existing environment in the preferences."
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def tidy(site: Path) -> None:
    """Restore the old runtime if an installation was killed while replacing it, and delete leftovers."""
    old = site.with_name(site.name + ".old")
    if old.is_dir() and not site.exists():
        os.replace(old, site)
    shutil.rmtree(old, ignore_errors=True)


def _swap(new: Path, site: Path) -> None:
    old = site.with_name(site.name + ".old")
    try:
        if site.exists():
            os.replace(site, old)
        os.replace(new, site)
    except OSError as error:
        tidy(site)
        raise InputError("The old runtime is in use; restart Blender and install before generating.") from error
    shutil.rmtree(old, ignore_errors=True)


def pip() -> list[str]:
    """Return the command that runs pip.

    Raises:
        InputError: Blender's Python has no pip.
    """
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    ensurepip = importlib.util.find_spec("ensurepip")
    if ensurepip is not None and ensurepip.origin is not None:
        for wheel in Path(ensurepip.origin).parent.glob("_bundled/pip-*.whl"):
            return [sys.executable, str(wheel / "pip")]  # runs from inside the wheel without being installed
    raise InputError("Blender's Python has no pip; choose an existing environment in the preferences instead.")


def _run_pip(
    arguments: list[str], log: Path, scratch: Path, cancelled: Callable[[], bool], say: Callable[[str, float], None]
) -> bool:
    """Run pip.

    Args:
        arguments: Of the command line.
        log: File that pip's output is appended to.
        scratch: Folder for temporary files.
        cancelled: Asked while pip runs.
        say: Called as say(step, share) with the file that is being downloaded and its share.

    Returns:
        False if it was cancelled.

    Raises:
        InputError: pip failed.
    """
    temporary = scratch / "temporary"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    environment = {**os.environ, **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary)), "PIP_USER": "0",
                   "PIP_REQUIRE_VIRTUALENV": "0"}  # fmt: skip
    options = ["--no-input", "--disable-pip-version-check", "--progress-bar", "off", "--retries", "2", "--no-cache-dir"]
    begun = log.stat().st_size
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*pip(), *arguments, *options],
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=environment,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        while process.poll() is None:
            if cancelled():
                process.terminate()
                process.wait()
                return False
            say(*_step(_output(log, begun), temporary))
            time.sleep(_POLL_SECONDS)
    if process.returncode:
        raise InputError(f"{_reason(_output(log, begun))} (log of pip: {log}).")
    return True


def _output(log: Path, begun: int) -> str:
    """Return pip's output in the log from a byte offset on."""
    with log.open("rb") as file:
        file.seek(begun)
        return file.read().decode("utf-8", "replace")


def _step(output: str, temporary: Path) -> tuple[str, float]:
    """Return pip's current step, such as 'torch-2.13.0, 120 of 531 MB', and the share of it that is done."""
    found = re.findall(r"Downloading (?:\S*/)?([^-/\s]+-[^-/\s]+)-\S*whl \(([\d.]+) MB\)", output)
    if not found:
        return "", 0.0
    name, size = found[-1][0], float(found[-1][1])
    there = max((path.stat().st_size for path in temporary.rglob("*.whl") if path.is_file()), default=0) / 1e6
    return f"{name}, {min(there, size):.0f} of {size:.0f} MB", min(1.0, there / max(size, 1e-3))


def _reason(output: str) -> str:
    """Return why pip failed, as a sentence without its full stop."""
    for pattern, sentence in _SENTENCES:
        if re.search(pattern, output):
            return f"{sentence}, then press Install Runtime again to resume"
    lines = output.splitlines()
    errors = [line for line in lines if line.startswith("ERROR")] or lines[-1:] or ["pip reported no error"]
    return f"The installation failed: {errors[-1].removeprefix('ERROR:').strip().rstrip('.')}"
