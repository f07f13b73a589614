"""May this person do this, and how much? Roles, invitations, use of the day, floods, and tokens that mean an entry to one person only."""

from telpher.access.entry_refs import EntryRef, EntryRefs, EntryToken
from telpher.access.roles import Access, GuestFolder, Person, Right, Role, rights_of

__all__ = ["Access", "EntryRef", "EntryRefs", "EntryToken", "GuestFolder", "Person", "Right", "Role", "rights_of"]
