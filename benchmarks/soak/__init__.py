"""Many people, many faults, a kill every minute: does all that was accepted arrive, and does nothing grow?"""
