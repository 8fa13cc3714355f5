"""What a visitor hands in: pictures, a question, a model, saved runs."""
