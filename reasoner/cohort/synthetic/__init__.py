"""Synthetic cohorts: patients drawn from what the ontology says of each condition, with their ground truth."""
