"""Readers of other people's feeds: bytes in, records out, every one accepted or refused with a reason. Pure."""
