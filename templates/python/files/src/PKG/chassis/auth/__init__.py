"""Who calls: bearer tokens and the keys that they are checked with."""
