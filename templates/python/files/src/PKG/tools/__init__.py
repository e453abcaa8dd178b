"""The tools: business logic in `tools`, its contract with the outside in `registry`."""
