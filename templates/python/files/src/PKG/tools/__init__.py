"""The tools, one file each; `registry` lists them, `tools` holds what they share."""
