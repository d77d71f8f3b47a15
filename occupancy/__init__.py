"""The one truth per space and car park, its history and its live stream."""
