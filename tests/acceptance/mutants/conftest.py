"""Which server to break."""

from __future__ import annotations

from kit.options import launcher, project, pytest_addoption

__all__ = ["launcher", "project", "pytest_addoption"]
