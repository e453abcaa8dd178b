"""Settings: typed, from the environment."""
