"""The resources, one file each; `registry` lists them."""
