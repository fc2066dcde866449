"""Write records, what follows from them, and the knowledge in the forms of others; what a form cannot carry is counted."""
