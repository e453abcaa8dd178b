"""Values that the shared servers are set up with and tests look for."""

ORIGIN = "https://app.example"
API_KEY = "canary-api-key-31f7"
