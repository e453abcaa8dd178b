"""The external services that tools use, one file each; `registry` lists them."""
