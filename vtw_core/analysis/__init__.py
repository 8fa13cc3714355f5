"""Pure maths on results: numpy in, numpy out, no torch."""
