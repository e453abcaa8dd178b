"""The prompts, one file each; `registry` lists them."""
