"""Every statement of the registry, by subject; nothing else in this package speaks SQL."""
