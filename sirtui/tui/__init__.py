"""The screen. It reads the store and tails logs; it owns nothing that must live, and computes nothing."""
