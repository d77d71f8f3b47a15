"""The edge: parse, look at the board or open a transaction, answer."""
