"""Dingtek DO201, outdoor: ultrasonic and magnetic, with temperature and humidity."""

from gateway.profiles.dingtek import climate_profile

PROFILE = climate_profile("DO201", 0x31)
