"""The edge of the registry, one API class a subject: parse, authorise, open the transaction, call a verb, answer."""
