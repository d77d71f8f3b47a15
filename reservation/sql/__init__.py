"""Every statement of reservation, by what it is about."""
