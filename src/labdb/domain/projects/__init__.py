"""Research projects side by side on one server: what each is made of, and who gets into it."""
