"""One file per human intention: checks access first, then brings the rooms below together; plain results, no Telegram."""
