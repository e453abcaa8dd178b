"""Reads the Prometheus text format."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$")
_LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Metrics:
    """Types by metric family, values by sample name and labels."""

    types: dict[str, str]
    samples: dict[tuple[str, frozenset[tuple[str, str]]], float]

    @classmethod
    def parse(cls, text: str) -> Metrics:
        types: dict[str, str] = {}
        samples: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                types[name] = kind
            elif line and not line.startswith("#"):
                match = _SAMPLE.match(line)
                assert match, f"no sample: {line}"
                name, labels, value = match.groups()
                samples[name, frozenset(_LABEL.findall(labels or ""))] = float(value)
        return cls(types, samples)

    def value(self, name: str, **labels: str) -> float:
        """Sum of the samples that have these labels among theirs; 0 without one."""
        wanted = set(labels.items())
        return sum(value for (sample, own), value in self.samples.items() if sample == name and wanted <= own)

    def labels(self, name: str) -> set[str]:
        return {label for (sample, own) in self.samples if sample == name for label, _ in own}

    def values_of(self, name: str, label: str) -> set[str]:
        return {value for (sample, own) in self.samples if sample == name for key, value in own if key == label}
