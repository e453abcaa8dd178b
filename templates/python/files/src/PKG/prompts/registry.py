"""The prompts, in the order in which clients see them."""

from ..chassis.declarations import Prompt
from .summarize_text import summarize_text

PROMPTS: tuple[Prompt, ...] = (summarize_text,)
