"""Speak to SPARQL stores on other machines: within a time and a size, to one origin, and never taking a part for the whole."""
