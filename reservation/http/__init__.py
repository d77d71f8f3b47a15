"""The edge: `/v1/offers`, `/v1/reservations`, `/v1/waitlist`, `/v1/listings` and what operators set."""
