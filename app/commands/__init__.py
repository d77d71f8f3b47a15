"""The commands of `berth`, grouped by what they are for."""
