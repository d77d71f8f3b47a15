"""Dingtek DO202: magnetic only, in the packet of the DO201."""

from gateway.profiles.dingtek import climate_profile

PROFILE = climate_profile("DO202", 0x32)
