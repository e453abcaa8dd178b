"""HTTP and stdio, and the official SDK's protocol between them and the application."""
