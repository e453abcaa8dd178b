"""summarize_text: asks a model for a summary."""

from typing import Annotated

from ..chassis.declarations import prompt


@prompt(title="Summarize a text")
def summarize_text(text: Annotated[str, "Text to summarize."]) -> str:
    """Ask for a summary of a text in three sentences or fewer."""
    return f"Summarize the following text in three sentences or fewer.\n\n{text}"
