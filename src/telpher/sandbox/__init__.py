"""An offline Telegram and an offline Google on one local port, with faults on demand; speaks only HTTP, imports no other room."""
