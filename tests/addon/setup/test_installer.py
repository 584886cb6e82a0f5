# SPDX-License-Identifier: GPL-3.0-or-later
"""The runtime's packages come by their hashes, go on after an interruption, and are installed whole or not at all."""

import http.server
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.wheels import make_wheel


class Setup(SimpleNamespace):
    """An index of wheels as a folder, a lock file, and where the runtime goes."""

    def lock_lines(self, *lines: str) -> None:
        self.lock.write_text("\n".join(("# a lock", *lines)) + "\n")

    def install(self, cancelled: Callable[[], bool] = lambda: False, leave_out: tuple[str, ...] = ()) -> list[str]:
        said: list[str] = []
        self.module.install(lambda _, step: said.append(step), cancelled, self.lock, leave_out, self.site, self.log)
        return said

    @property
    def beside(self) -> list[str]:
        """What lies beside the runtime."""
        return sorted(path.name for path in self.site.parent.glob("*"))


@pytest.fixture
def setup(installed: Callable[[str], ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Setup:
    """Pip asks the folder `index` and nothing else."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    module = installed("addon.setup.installer")
    monkeypatch.setattr(module, "_SPACE", {"cpu": 0.001})
    root = tmp_path / "user folder"
    root.mkdir()
    lock = tmp_path / "cp-linux-cpu.txt"
    return Setup(module=module, index=tmp_path / "index", lock=lock, site=root / "site" / "cp", log=root / "log")


def _pinned(setup: Setup, name: str, **options: str) -> str:
    return f"{name}==1.0 --hash=sha256:{make_wheel(setup.index, name, **options)}"


def test_installs_what_the_lock_says_and_no_dependency(setup: Setup) -> None:
    setup.lock_lines(_pinned(setup, "fttorch"), _pinned(setup, "ftnumpy"), _pinned(setup, "ft_three"))
    setup.install(leave_out=("ftnumpy",))
    names = {path.name for path in setup.site.iterdir() if not path.name.startswith("__")}
    assert names == {
        "fttorch", "fttorch-1.0.dist-info", "ft_three", "ft_three-1.0.dist-info", setup.module.MARK
    }  # fmt: skip
    assert setup.beside == ["cp"]


def test_a_file_of_another_hash_is_refused_and_the_old_runtime_stays(setup: Setup) -> None:
    setup.lock_lines(_pinned(setup, "fttorch"))
    setup.install()
    setup.lock_lines(_pinned(setup, "fttorch"), _pinned(setup, "ftother"))
    make_wheel(setup.index, "ftother", content="print('changed on the way')")
    with pytest.raises(ValueError, match=r"not the one that was tested.*Install Runtime again"):
        setup.install()
    assert (setup.site / "fttorch").is_dir()
    assert not (setup.site / "ftother").exists()


def test_goes_on_where_it_was_cut_off(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup.module, "_BATCH", 1)
    first, second = _pinned(setup, "ftfirst"), _pinned(setup, "ftsecond")
    setup.lock_lines(first, second)
    (setup.index / "ftsecond-1.0-py3-none-any.whl").rename(setup.index / "away")
    with pytest.raises(ValueError, match="Install Runtime again"):
        setup.install()
    assert not setup.site.exists()
    assert setup.beside == ["cp.wheels"]
    (setup.index / "away").rename(setup.index / "ftsecond-1.0-py3-none-any.whl")
    (setup.index / "ftfirst-1.0-py3-none-any.whl").unlink()  # it is not asked for again
    setup.install()
    assert {"ftfirst", "ftsecond"} <= {path.name for path in setup.site.iterdir()}
    assert setup.beside == ["cp"]


def test_a_half_file_from_before_is_fetched_anew(setup: Setup) -> None:
    setup.lock_lines(_pinned(setup, "fttorch"))
    wheels = setup.site.with_name("cp.wheels")
    wheels.mkdir(parents=True)
    whole = (setup.index / "fttorch-1.0-py3-none-any.whl").read_bytes()
    (wheels / "fttorch-1.0-py3-none-any.whl").write_bytes(whole[: len(whole) // 2])
    setup.install()
    assert (setup.site / "fttorch").is_dir()


def test_canceled_it_changes_nothing_and_keeps_what_came(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup.module, "_BATCH", 1)
    setup.lock_lines(_pinned(setup, "ftfirst"), _pinned(setup, "ftsecond"))
    wheels = setup.site.with_name("cp.wheels")
    setup.install(cancelled=lambda: any(wheels.glob("ftfirst*")))
    assert setup.beside == ["cp.wheels"]
    assert [path.name for path in wheels.iterdir()] == ["ftfirst-1.0-py3-none-any.whl"]


def test_killed_in_its_last_move_the_old_runtime_comes_back(setup: Setup) -> None:
    setup.lock_lines(_pinned(setup, "fttorch"))
    setup.install()
    setup.site.rename(setup.site.with_name("cp.old"))
    setup.module.tidy(setup.site)
    assert (setup.site / "fttorch").is_dir()
    assert setup.beside == ["cp"]


class _Page(http.server.BaseHTTPRequestHandler):
    """The login page of a hotel, whatever is asked."""

    def do_GET(self) -> None:
        page = b"<html><body><h1>Welcome! Please sign in.</h1></body></html>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def login_page() -> Iterator[str]:
    """The address of a server that answers every request with a page."""
    server = http.server.HTTPServer(("127.0.0.1", 0), _Page)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/simple/"
    server.shutdown()
    server.server_close()


def _ask_index(setup: Setup, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    setup.lock_lines("fttorch==1.0 --hash=sha256:" + "0" * 64)
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", address)


def test_a_proxy_that_answers_with_a_page(setup: Setup, monkeypatch: pytest.MonkeyPatch, login_page: str) -> None:
    _ask_index(setup, monkeypatch, login_page)
    with pytest.raises(ValueError, match="login page"):
        setup.install()


def test_without_a_network(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # a port where nobody listens
        _ask_index(setup, monkeypatch, f"http://127.0.0.1:{closed.getsockname()[1]}/simple/")
        with pytest.raises(ValueError, match="cannot be reached"):
            setup.install()


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 407 Proxy', ))", "HTTPS_PROXY"),
        ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]", "PIP_CERT"),
        (
            "ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: '/x'",
            "cannot be written",
        ),
        (
            "WARNING: Retrying after connection broken by 'NameResolutionError(\"x\")': /simple/torch/",
            "cannot be reached",
        ),
        ("ERROR: Something else.", "Something else"),
    ],
)
def test_pips_words_become_a_sentence(setup: Setup, said: str, sentence: str) -> None:
    assert sentence in setup.module._reason(f"Collecting torch\n{said}\n")


def test_a_folder_that_cannot_be_written(setup: Setup) -> None:
    setup.lock_lines(_pinned(setup, "fttorch"))
    setup.site.parent.write_text("a file lies where the folder should be")
    with pytest.raises(ValueError, match=r"cannot be written.*existing environment"):
        setup.install()


def test_too_little_space_is_said_before_the_download(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup.module, "_SPACE", {"cpu": 2**30})
    setup.lock_lines(_pinned(setup, "fttorch"))
    with pytest.raises(ValueError, match="GiB of free space"):
        setup.install()


def test_the_locks_are_whole(setup: Setup) -> None:
    installer = setup.module
    for python, system in (
        (python, system) for python in ("cp311", "cp313") for system in ("linux", "windows", "macos")
    ):
        devices = installer.devices(python=python, system=system)
        assert devices == (("metal",) if system == "macos" else ("cpu", "cuda")), (python, system)
        for device in devices:
            pins, index = installer.read_lock(installer.lock_file(device, python=python, system=system))
            assert all(pin.hashes for pin in pins), (python, system, device)
            assert all(len(one) == 64 for pin in pins for one in pin.hashes)
            assert bool(index) == any("+" in pin.version for pin in pins)
            names = [pin.name for pin in pins]
            assert {"torch", "transformers", "librosa", "safetensors", "soundfile"} <= set(names)
            assert len(names) == len(set(names))
            assert any(name.startswith("nvidia-") for name in names) == (system == "linux" and device == "cuda")


def test_a_system_without_a_lock_is_told(setup: Setup) -> None:
    with pytest.raises(ValueError, match=r"Python 3\.99 on linux with CPU.*existing environment"):
        setup.module.lock_file("cpu", python="cp399", system="linux")
    assert setup.module.devices(python="cp399") == ()


def test_what_pip_is_at(setup: Setup, tmp_path: Path) -> None:
    said = "Collecting torch==2.13.0\n  Downloading torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl (530.7 MB)\n"
    (tmp_path / "pip-unpack").mkdir()
    (tmp_path / "pip-unpack" / "torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl").write_bytes(bytes(5_307_000))
    assert setup.module._step(said, tmp_path) == ("torch-2.13.0, 5 of 531 MB", pytest.approx(0.01))
    assert setup.module._step("", tmp_path) == ("", 0.0)


def test_pip_can_be_run(setup: Setup) -> None:
    import subprocess

    said = subprocess.run([*setup.module.pip(), "--version"], capture_output=True, text=True, check=True).stdout
    assert said.startswith("pip ")
