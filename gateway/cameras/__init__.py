"""Number-plate cameras that speak their makers' languages: pure readers of what they send."""
