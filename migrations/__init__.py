"""Plain SQL, numbered, applied by `kernel.migrate`."""
