"""Device profiles: one small pure file for each device, from the bytes of a radio frame to what they say."""
