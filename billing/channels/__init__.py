"""Payment channels: what each is asked, and what it answers and tells of itself, in words that are no channel's own."""
