"""A promise of a space for a time that is kept, and the sharing of private spaces. Read `service` first."""
