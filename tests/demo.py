"""Draws docs/demo.svg from a real run: `cargo mcp new` in a pseudo-terminal, its questions answered with Enter."""

from __future__ import annotations

import io
import os
import pty
import re
import select
import subprocess
import sys
import tempfile
from pathlib import Path

import pyte
from rich.console import Console
from rich.style import Style
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
COLUMNS, LINES, QUIET_SECONDS = 96, 24, 0.4
TYPED = "my-server"


def record(tool: Path, folder: Path) -> pyte.Screen:
    """Run the tool as a user would, and return the terminal as it stands at the end."""
    screen = pyte.Screen(COLUMNS, LINES)
    stream = pyte.ByteStream(screen)
    master, slave = pty.openpty()
    env = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "LINES": str(LINES)}
    env |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    stream.feed(f"\x1b[1;32m$\x1b[0m cargo mcp new {TYPED}\r\n".encode())
    process = subprocess.Popen(
        [tool, "new", TYPED], cwd=folder, env=env, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
    )
    os.close(slave)
    while True:
        ready, _, _ = select.select([master], [], [], QUIET_SECONDS)
        if not ready:
            os.write(master, b"\r")
            continue
        try:
            stream.feed(os.read(master, 65536).replace(bytes(folder.resolve()), b"~"))
        except OSError:
            break
    if process.wait() != 0:
        sys.exit("\n".join(screen.display))
    return screen


def picture(screen: pyte.Screen) -> str:
    """The screen as an SVG that needs nothing from elsewhere."""
    used = max(line for line in range(LINES) if screen.display[line].strip()) + 1
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    for line in range(used):
        text = Text()
        for column in range(COLUMNS):
            cell = screen.buffer[line][column]
            color = None if cell.fg == "default" else cell.fg.replace("brown", "yellow")
            color = f"#{color}" if color and re.fullmatch(r"[0-9a-f]{6}", color) else color
            text.append(cell.data, Style(color=color, bold=cell.bold))
        text.rstrip()
        console.print(text)
    svg = console.export_svg(title="cargo mcp", unique_id="demo")
    return re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)


def main() -> None:
    """Draw the picture with the tool that was given, by default the release build."""
    tool = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "target/release/cargo-mcp").resolve()
    with tempfile.TemporaryDirectory() as folder:
        screen = record(tool, Path(folder))
    target = ROOT / "docs" / "demo.svg"
    target.parent.mkdir(exist_ok=True)
    target.write_text(picture(screen))


if __name__ == "__main__":
    main()
