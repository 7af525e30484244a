"""Ways of making M_t from M_{t-1}, one a file."""
