"""Help those who write the knowledge: format, check, and say what an installation lacks."""
