"""Answer cohorts: many cases at once, as columns."""
