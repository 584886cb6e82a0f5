# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloads and installs the packages of a lock file, in whole or not at all. Runs in the worker: it never touches bpy.

Wheels that have come whole are kept beside the runtime until it stands, so that an interrupted installation goes on.
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
BLENDERS_OWN = (  # never installed over Blender's
    "numpy", "requests", "urllib3", "certifi", "idna", "charset-normalizer", "zstandard", "attrs", "cattrs", "cython",
)  # fmt: skip
MARK = "freetalker-lock.txt"  # in an installed runtime: the lock file that it was made from
_SPACE = {"cpu": 2, "metal": 2, "cuda": 10}  # GiB for the wheels and what they unpack to
_LARGE = ("torch", "triton", "nvidia-", "cuda-")  # downloaded one by one, the others in rows
_ROW = 12
_POLL_SECONDS = 0.2
_SENTENCES = (  # what pip says, and what that means; the first that fits
    (r"No space left|not enough space|Errno 28", "The disk is full: free some space"),
    (r"DO NOT MATCH THE HASHES", "What came is not the file that was tested, and none of it was installed: a proxy or "
     "a mirror may have changed it; try another network"),
    (r"407 |Proxy Authentication", "The proxy wants a name and password: set HTTPS_PROXY=http://NAME:PASSWORD@HOST:"
     "PORT in the environment and start Blender again"),
    (r"CERTIFICATE_VERIFY_FAILED|SSLError|SSL: ", "The connection is not trusted (a proxy may read it): set PIP_CERT "
     "to your network's certificate file and start Blender again"),
    (r"NewConnectionError|ConnectionError|ConnectTimeout|ReadTimeout|NameResolution|ProxyError|timed out|getaddrinfo",
     "The package index cannot be reached: look at the network and the proxy"),
    (r"from versions: none|Content-Type|HTTP error|zipfile\.BadZipFile|is invalid", "What answered is not the package "
     "index but perhaps the login page of a network or a proxy: sign in there, or try another network"),
    (r"Permission denied|Errno 13|Access is denied", "The extension's folder cannot be written: make it writable"),
)  # fmt: skip


@dataclass(frozen=True)
class Pin:
    """A line of a lock file: `name==version`, and the hashes of which a wheel must have one."""

    name: str
    version: str
    hashes: tuple[str, ...]

    @property
    def line(self) -> str:
        return " ".join((f"{self.name}=={self.version}", *(f"--hash=sha256:{one}" for one in self.hashes)))

    @property
    def weight(self) -> int:
        """Roughly how long it takes to come, against a small package."""
        return 30 if self.name.startswith(_LARGE) else 1

    def wheel(self, folder: Path) -> Path | None:
        """Its wheel, where it lies whole in a folder."""
        for path in sorted(folder.glob("*.whl")):
            name = path.name.partition("-")[0]
            if _plain(name) == _plain(self.name) and sha256(path) in self.hashes:
                return path
        return None


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def devices(folder: Path = LOCKS, python: str = "", system: str = SYSTEM) -> tuple[str, ...]:
    """The devices that a runtime is locked for on this system and Python: cpu and cuda, or metal, or none."""
    tag = python or f"cp{sys.version_info.major}{sys.version_info.minor}"
    return tuple(path.stem.rpartition("-")[2] for path in sorted(folder.glob(f"{tag}-{system}-*.txt")))


def lock_file(device: str, folder: Path = LOCKS, python: str = "", system: str = SYSTEM) -> Path:
    """The lock file of a device. Raises InputError where there is none for this system and Python."""
    tag = python or f"cp{sys.version_info.major}{sys.version_info.minor}"
    path = folder / f"{tag}-{system}-{device}.txt"
    if not path.is_file():
        raise InputError(
            f"No runtime is made for Python {tag[2:3]}.{tag[3:]} on {system} with {device.upper()}: choose an existing "
            "environment in the preferences."
        )
    return path


def read_lock(path: Path, leave_out: Iterable[str] = ()) -> tuple[list[Pin], str]:
    """The pins of a lock file without those left out, and the further index that torch comes from (or nothing)."""
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
    """Bring the wheels that `folder` lacks, each under its name only when it is whole; whether all came.

    run(pip's arguments, share that is there, share that comes) returns False where it was cancelled.
    """
    folder.mkdir(parents=True, exist_ok=True)
    coming = folder / "coming"
    total = sum(pin.weight for pin in pins)
    wanted = [pin for pin in pins if pin.wheel(folder) is None]
    try:
        while wanted:
            row = _row(wanted)
            shutil.rmtree(coming, ignore_errors=True)
            coming.mkdir()
            requirements = coming / "requirements.txt"
            requirements.write_text("\n".join(pin.line for pin in row) + "\n", encoding="utf-8")
            arguments = ["download", "--no-deps", "--only-binary", ":all:", "--require-hashes", "--dest", str(coming),
                         "-r", str(requirements)]  # fmt: skip
            if index and row[0].name == "torch":
                arguments += ["--extra-index-url", index]
            there = 1 - sum(pin.weight for pin in wanted) / total
            if not run(arguments, there, sum(pin.weight for pin in row) / total):
                return False
            for wheel in coming.glob("*.whl"):
                os.replace(wheel, folder / wheel.name)
            lacking = [pin for pin in row if pin.wheel(folder) is None]
            if lacking:
                raise InputError(f"The wheel of {lacking[0].name} {lacking[0].version} did not come: try again.")
            wanted = wanted[len(row) :]
    finally:
        shutil.rmtree(coming, ignore_errors=True)
    return True


def _row(pins: Sequence[Pin]) -> list[Pin]:
    """The first of the pins that are downloaded together: a large one stands alone."""
    alone = [pin.weight > 1 for pin in pins[:_ROW]]
    return list(pins[: alone.index(True) or 1 if True in alone else _ROW])


def install(
    report: Callable[[float, str], None],
    cancelled: Callable[[], bool],
    lock: Path,
    leave_out: Iterable[str],
    site: Path,
    log: Path,
) -> None:
    """Make the folder `site` what a lock file says, less the packages left out, in place of a runtime that is there.

    Raises InputError where it cannot be had or written; then the old runtime is as it was, and what came is kept.
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
            raise InputError(f"There are not {space} GiB free where the runtime goes ({part.parent}): free some space.")

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
        if not _run_pip(arguments, log, part, cancelled, lambda *_: report(0.9, "Unpacking")):
            return
        shutil.copyfile(lock, part / "site" / MARK)
        _swap(part / "site", site)
        shutil.rmtree(wheels, ignore_errors=True)
        report(1.0, "Done")
    except OSError as error:
        raise InputError(
            f"The runtime's folder cannot be written ({error.filename or part}: {error.strerror or error}): make it "
            "writable, or choose an existing environment in the preferences."
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def tidy(site: Path) -> None:
    """Put right what an installation left that was killed in its last move: the old runtime gets its name back."""
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
        raise InputError("The old runtime is in use: start Blender again, and install before generating.") from error
    shutil.rmtree(old, ignore_errors=True)


def pip() -> list[str]:
    """The command that runs pip. Raises InputError where Blender's Python has none."""
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    ensurepip = importlib.util.find_spec("ensurepip")
    if ensurepip is not None and ensurepip.origin is not None:
        for wheel in Path(ensurepip.origin).parent.glob("_bundled/pip-*.whl"):
            return [sys.executable, str(wheel / "pip")]  # runs from within the wheel and installs nothing of its own
    raise InputError("Blender's Python has no pip: choose an existing environment in the preferences instead.")


def _run_pip(
    arguments: list[str], log: Path, scratch: Path, cancelled: Callable[[], bool], say: Callable[[str, float], None]
) -> bool:
    """Run pip with its words in a file; False where it was cancelled. Raises InputError where it fails.

    say(step, share) hears how far the file is that is coming.
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
            say(*_step(_said(log, begun), temporary))
            time.sleep(_POLL_SECONDS)
    if process.returncode:
        raise InputError(f"{_reason(_said(log, begun))} (pip's words: {log}).")
    return True


def _said(log: Path, begun: int) -> str:
    with log.open("rb") as file:
        file.seek(begun)
        return file.read().decode("utf-8", "replace")


def _step(said: str, temporary: Path) -> tuple[str, float]:
    """What pip is at, such as 'torch-2.13.0, 120 of 531 MB', and the share of that which is there."""
    found = re.findall(r"Downloading (?:\S*/)?([^-/\s]+-[^-/\s]+)-\S*whl \(([\d.]+) MB\)", said)
    if not found:
        return "", 0.0
    name, size = found[-1][0], float(found[-1][1])
    there = max((path.stat().st_size for path in temporary.rglob("*.whl") if path.is_file()), default=0) / 1e6
    return f"{name}, {min(there, size):.0f} of {size:.0f} MB", min(1.0, there / max(size, 1e-3))


def _reason(said: str) -> str:
    """Why pip failed, as one sentence without its full stop."""
    for pattern, sentence in _SENTENCES:
        if re.search(pattern, said):
            return f"{sentence}, then press Install Runtime again; what came whole is kept"
    lines = said.splitlines()
    errors = [line for line in lines if line.startswith("ERROR")] or lines[-1:] or ["pip said nothing"]
    return f"Installing failed: {errors[-1].removeprefix('ERROR:').strip().rstrip('.')}"
