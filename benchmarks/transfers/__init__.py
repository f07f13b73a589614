"""How fast files go from Telegram into a drive, beside the other ways to bring them there."""
