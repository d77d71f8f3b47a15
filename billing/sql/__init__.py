"""Every statement of billing, by what it is about."""
