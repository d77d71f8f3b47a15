"""Passage, session, charge, payment, settlement: what a stay costs, who owes it, and to whom it is paid on."""
