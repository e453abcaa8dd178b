"""The chassis: what every server of this kind has, free of what this one does."""

from importlib.metadata import metadata

_distribution = metadata(__name__.partition(".")[0])

NAME: str = _distribution["Name"]
DESCRIPTION: str = _distribution["Summary"]
VERSION: str = _distribution["Version"]
