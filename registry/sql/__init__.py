"""Every statement of the registry, by subject; nothing else in this package speaks SQL.

One object is found, locked or deleted only together with `operators`, those that the caller covers (None = all): what
is not covered is not found, exactly as what is not there. A write without a look is only to a row that was locked so in
the same transaction, and what lies inside a car park is reached through the car park's row alone.
"""
