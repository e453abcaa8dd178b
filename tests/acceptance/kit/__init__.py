"""What the acceptance tests stand on: processes, wires and stubs, ignorant of the server's language."""
