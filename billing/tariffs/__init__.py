"""The tariff engine: a tariff as data, and what a stay costs by it. Pure; `rate.rate` is the door, docs/tariffs.md the
manual."""
