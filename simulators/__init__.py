"""Car parks and recordings that speak only the wire: MQTT and REST, like everyone outside. Read `city.py` first."""
