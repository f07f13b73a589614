"""May this person do this? Roles, the strangers' one answer an hour, and tokens that mean an entry to one person only."""

from telpher.access.entry_refs import EntryRef, EntryRefs, EntryToken
from telpher.access.roles import Access, Person, Right, Role

__all__ = ["Access", "EntryRef", "EntryRefs", "EntryToken", "Person", "Right", "Role"]
