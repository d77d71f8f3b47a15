"""Car parks, their faults and recordings that speak only the wire, as real devices do."""
