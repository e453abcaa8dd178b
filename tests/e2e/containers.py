"""Builds and runs a Containerfile with buildah and podman where no image registry can be reached.

Only the base images are stand-ins: a Debian root with the machine's own toolchains, under the public
names that the Containerfile asks for. Everything after ``FROM`` is real.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from fcntl import LOCK_EX, flock
from hashlib import sha256
from pathlib import Path

STORAGE = '[storage]\ndriver = "overlay"\ngraphroot = "{0}/graph"\nrunroot = "{0}/run"\n'
PATH = "/usr/local/bin:/usr/bin:/bin"
CONTAINERS = (
    '[containers]\ndefault_ulimits = ["nofile=20000:20000", "nproc=32768:32768"]\n'
    '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
)
PACKAGES = "ca-certificates,libstdc++6,python3,python3-pip,python3-venv"
MACHINE = ["/usr/bin/node", "/usr/lib/node_modules", "/usr/local/go"]
"""Toolchains that Debian has too old; copied from the machine when they are there."""

COMPILER = "gcc,libc6-dev"
"""What a first stage has that a language without a compiler of its own links with."""


def _tag(*packages: str) -> str:
    """Of what an image is made from: the next run takes it as it is, unless that has changed."""
    stamps = [f"{path} {Path(path).stat().st_mtime}" for path in MACHINE if Path(path).exists()]
    return sha256("\n".join([*packages, *stamps]).encode()).hexdigest()[:12]


BASE = f"localhost/base:{_tag(PACKAGES)}"
BUILDER = f"localhost/builder:{_tag(PACKAGES, COMPILER)}"

CERTIFICATES = Path("/etc/ssl/certs")


def rust() -> tuple[Path, Path]:
    """The machine's Rust toolchain and Cargo's folder: builds find them where they are, mounted."""
    shown = subprocess.run(["rustc", "--print", "sysroot"], capture_output=True, text=True, check=True)
    return Path(shown.stdout.strip()), Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))


@dataclass(frozen=True)
class Engine:
    """buildah and podman with a storage of their own below ``folder``, which runs beside each other share."""

    folder: Path

    @classmethod
    def create(cls, folder: Path) -> Engine:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "storage.conf").write_text(STORAGE.format(folder))
        (folder / "containers.conf").write_text(CONTAINERS)
        engine = cls(folder)
        engine._ensure(BASE, PACKAGES)
        return engine

    @property
    def env(self) -> dict[str, str]:
        return {
            **os.environ,
            "CONTAINERS_STORAGE_CONF": str(self.folder / "storage.conf"),
            "CONTAINERS_CONF": str(self.folder / "containers.conf"),
            "BUILDAH_ISOLATION": "chroot",
            "BUILDAH_FORMAT": "docker",
        }

    def call(self, *command: str, cwd: Path | None = None, timeout: float = 900) -> str:
        done = subprocess.run(
            command, env=self.env, cwd=cwd, capture_output=True, text=True, timeout=timeout, check=False
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout.strip()

    def has(self, image: str) -> bool:
        return (
            subprocess.run(
                ["buildah", "inspect", "--type", "image", image], env=self.env, capture_output=True, check=False
            ).returncode
            == 0
        )

    def _ensure(self, image: str, packages: str) -> None:
        """Make the image, unless it is there or another run is making it."""
        with (self.folder / "lock").open("w") as lock:
            flock(lock, LOCK_EX)
            if not self.has(image):
                self._import(image, packages)

    def _import(self, image: str, packages: str) -> None:
        root = self.folder / "base.tar"
        subprocess.run(
            ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={packages}", "bookworm", str(root)],
            check=True,
            env={**os.environ, "TMPDIR": "/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp"},
        )
        container = self.call("buildah", "from", "scratch")
        self.call("buildah", "add", container, str(root), "/")
        for path in MACHINE:
            if Path(path).exists():
                self.call("buildah", "add", container, path, path)
        mounted = Path(self.call("buildah", "mount", container))
        local = mounted / "usr/local/bin"
        for link, target in (
            ("python", "/usr/bin/python3"),
            ("python3", "/usr/bin/python3"),
            ("pip", "/usr/bin/pip3"),
            ("node", "/usr/bin/node"),
            ("npm", "/usr/lib/node_modules/npm/bin/npm-cli.js"),
            ("go", "/usr/local/go/bin/go"),
        ):
            (local / link).symlink_to(target)
        shutil.rmtree(mounted / "usr/share/doc", ignore_errors=True)
        self.call("buildah", "umount", container)
        self.call("buildah", "config", "--env", f"PATH={PATH}", container)
        self.call("buildah", "commit", "--rm", container, image)
        root.unlink()

    def stand_in(self, containerfile: Path, environment: dict[str, str], *, compiles: bool) -> None:
        """Gives the base image every name that the Containerfile asks for; one with a compiler, if it is to compile,
        those of the stages before the last. What the language's ``e2e.toml`` sets holds there too."""
        text = containerfile.read_text()
        arguments = dict(re.findall(r"^ARG\s+(\w+)=(\S+)", text, re.MULTILINE))
        stages: set[str] = set()
        wanted: list[str] = []
        for image, stage in re.findall(r"^FROM\s+(\S+)(?:\s+AS\s+(\S+))?", text, re.MULTILINE | re.IGNORECASE):
            filled = re.sub(r"\$\{?(\w+)\}?", lambda match: arguments[match[1]], image)
            if filled not in stages:
                wanted.append(filled.partition("@")[0])
            stages.add(stage)
        for image in wanted:
            if compiles and image != wanted[-1]:
                self._builder(image, environment)
            else:
                self.call("buildah", "tag", BASE, image)

    def _builder(self, image: str, environment: dict[str, str]) -> None:
        self._ensure(BUILDER, f"{PACKAGES},{COMPILER}")
        toolchain, cargo = rust()
        variables = {"PATH": f"{toolchain}/bin:{PATH}", "CARGO_HOME": str(cargo), **environment}
        container = self.call("buildah", "from", "--pull-never", BUILDER)
        self.call("buildah", "config", *(f"--env={key}={value}" for key, value in variables.items()), container)
        self.call("buildah", "commit", "--rm", container, image)

    def path_with_wrapper(self, folder: Path, environment: dict[str, str], *, compiles: bool) -> str:
        """A PATH with a ``podman`` in ``folder`` that builds as this machine can and does everything else itself; the
        folders that ``environment`` names are in a build where they are on the machine."""
        settings = {
            "/etc/pip.conf": f"[global]\ncert = {CERTIFICATES}/ca-certificates.crt\n",
            "/usr/etc/npmrc": f"cafile={CERTIFICATES}/ca-certificates.crt\n",
            "/etc/uv/uv.toml": "system-certs = true\n",
        }
        mounts = [f"-v={CERTIFICATES}:{CERTIFICATES}:ro"]
        shared = [value for value in environment.values() if value.startswith("/")]
        shared += map(str, rust() if compiles else ())
        mounts += [f"-v={path}:{path}" for path in shared]
        for place, text in settings.items():
            file = folder / place.rpartition("/")[2]
            file.write_text(text)
            mounts.append(f"-v={file}:{place}:ro")
        options = ["--isolation=chroot", "--network=host", "--pull-never", "--format=docker", *mounts]
        wrapper = folder / "podman"
        podman = shutil.which("podman", path=os.environ["PATH"])
        wrapper.write_text(
            f'#!/bin/sh\n[ "$1" = build ] && shift && exec buildah build {" ".join(options)} "$@"\nexec {podman} "$@"\n'
        )
        wrapper.chmod(0o755)
        return f"{folder}:{os.environ['PATH']}"
