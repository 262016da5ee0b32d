"""Recovery to a moment: what people ask for, what the repository can give, what came back."""
