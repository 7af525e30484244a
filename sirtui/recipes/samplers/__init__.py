"""Ways of drawing answers, one a file."""
