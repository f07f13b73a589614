"""An offline Telegram: the Bot API server that bots talk to, and the chat API that people (and tests) talk to."""
