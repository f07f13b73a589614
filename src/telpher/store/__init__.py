"""Opens the database, migrates it, gives transactions."""

from telpher.store.database import Store, open_store

__all__ = ["Store", "open_store"]
