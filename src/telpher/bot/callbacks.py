"""What a button says when it is pressed: typed, at most 64 bytes, and never trusted.

A button names an entry by a token that only its owner's server-side state can redeem, and a job or an undo record by its number, which
the action checks against the person who pressed. So copied, forged and forgotten buttons end in `StaleButtonError`, not in an effect.
Data is `tag:field:field`; a tag is never used again for something else, so that old buttons keep their meaning.
"""

from __future__ import annotations

import dataclasses
import enum
import re
from typing import Any, ClassVar, get_type_hints

from telpher.access import EntryToken
from telpher.actions.select import SelectionToken
from telpher.actions.set_up_run import SetupToken, Written
from telpher.actions.share import Span
from telpher.drives.port import GrantRole
from telpher.errors import StaleButtonError

LIMIT_BYTES = 64  # https://core.telegram.org/bots/api#inlinekeyboardbutton

_WORD = re.compile(r"[A-Za-z0-9_-]{1,32}")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,16}")
_NUMBER = re.compile(r"[0-9]{1,15}")
_WRITTEN = re.compile(r"-?[0-9]{1,20}")


class Callback:
    """The root of all button data. A field is an int, a str of word characters, a written number, an entry's token, or a StrEnum."""

    tag: ClassVar[str]
    kinds: ClassVar[dict[str, type[Callback]]] = {}

    def __init_subclass__(cls, *, tag: str) -> None:
        if tag in Callback.kinds:
            raise ValueError(f"tag {tag} is taken")
        cls.tag = tag
        Callback.kinds[tag] = cls

    def encode(self) -> str:
        """As it stands in the button. Raises ValueError over 64 bytes: a mistake of ours."""
        data = ":".join([self.tag, *(str(value) for value in vars(self).values())])
        if len(data.encode()) > LIMIT_BYTES:
            raise ValueError(f"callback data is {len(data.encode())} bytes: {data}")
        return data


def decode(data: str) -> Callback:
    """What a pressed button said. Raises StaleButtonError for whatever we never wrote."""
    tag, *parts = data.split(":")
    kind = Callback.kinds.get(tag)
    fields = _fields(kind) if kind is not None else []
    if kind is None or len(parts) != len(fields):
        raise StaleButtonError("unknown button")
    return kind(*(_read(field_type, part) for (_, field_type), part in zip(fields, parts, strict=True)))


def _fields(kind: type[Callback]) -> list[tuple[str, Any]]:
    hints = get_type_hints(kind)
    return [(field.name, hints[field.name]) for field in dataclasses.fields(kind)]  # type: ignore[arg-type]


def _read(kind: Any, part: str) -> object:
    if kind in {EntryToken, SelectionToken, SetupToken} and _TOKEN.fullmatch(part):
        return part
    if kind is Written and _WRITTEN.fullmatch(part):
        return part
    if kind is int and _NUMBER.fullmatch(part):
        return int(part)
    if kind is str and _WORD.fullmatch(part):
        return part
    if isinstance(kind, type) and issubclass(kind, enum.StrEnum) and part in kind.__members__.values():
        return kind(part)
    raise StaleButtonError("unknown field in a button")


@dataclasses.dataclass(frozen=True)
class OpenFolder(Callback, tag="f"):
    """Show a page of a folder."""

    token: str
    page: int


@dataclasses.dataclass(frozen=True)
class OpenRoot(Callback, tag="r"):
    """Show the drive from its top."""


@dataclasses.dataclass(frozen=True)
class ShowEntry(Callback, tag="e"):
    """Show an entry's card; `page` is the page of its folder that it was found on."""

    token: str
    page: int


class EntryDeed(enum.StrEnum):
    """What an entry's buttons do."""

    GET_BACK = "g"
    RENAME = "n"
    DELETE = "d"
    SHOW = "v"
    """Get back as what the app shows at once."""
    SHARE = "s"
    """Show who may see it, and let others in."""
    ZIP = "z"
    """Get back a folder as one zip file."""


@dataclasses.dataclass(frozen=True)
class DoToEntry(Callback, tag="d"):
    """Do something to an entry."""

    deed: EntryDeed
    token: str


class ExportSuffix(enum.StrEnum):
    """The formats that a button can name."""

    PDF = "pdf"
    DOCX = "docx"
    XLSX = "xlsx"
    PPTX = "pptx"
    PNG = "png"


@dataclasses.dataclass(frozen=True)
class ExportEntry(Callback, tag="x"):
    """Get back a document in another format."""

    token: str
    suffix: ExportSuffix


@dataclasses.dataclass(frozen=True)
class UndoDeed(Callback, tag="u"):
    """Take back what was done."""

    undo_id: int


class JobDeed(enum.StrEnum):
    """What a job's buttons do."""

    CANCEL = "c"
    RETRY = "r"


@dataclasses.dataclass(frozen=True)
class DoToJob(Callback, tag="j"):
    """Do something to a job."""

    deed: JobDeed
    job_id: int


@dataclasses.dataclass(frozen=True)
class DoToAlbum(Callback, tag="a"):
    """Do something to all of an album's jobs that it applies to."""

    deed: JobDeed
    receipt_id: int


@dataclasses.dataclass(frozen=True)
class ShowAlbumEntry(Callback, tag="m"):
    """From an album's receipt to the card of one of its files."""

    token: str
    receipt_id: int


@dataclasses.dataclass(frozen=True)
class ShowReceipt(Callback, tag="b"):
    """Back to an album's receipt."""

    receipt_id: int


@dataclasses.dataclass(frozen=True)
class ListJobs(Callback, tag="q"):
    """Show the list of jobs anew."""


@dataclasses.dataclass(frozen=True)
class RunModule(Callback, tag="c"):
    """Run a module of the workshop in this conversation."""

    module: str


class Grantee(enum.StrEnum):
    """Whom to share with."""

    LINK = "l"
    """Anyone who has the link."""
    ADDRESS = "a"
    """An e-mail address, which is asked for."""


@dataclasses.dataclass(frozen=True)
class ShareWith(Callback, tag="sw"):
    """First step of a share: with whom."""

    grantee: Grantee
    token: str


@dataclasses.dataclass(frozen=True)
class ChooseRole(Callback, tag="sr"):
    """Second step: what they may do. `target` names the entry and whom to let in."""

    target: str


@dataclasses.dataclass(frozen=True)
class ChooseSpan(Callback, tag="sp"):
    """Third step: for how long."""

    role: GrantRole
    target: str


@dataclasses.dataclass(frozen=True)
class ConfirmShare(Callback, tag="sc"):
    """Last step: is that meant?"""

    role: GrantRole
    span: Span
    target: str


@dataclasses.dataclass(frozen=True)
class DoShare(Callback, tag="sd"):
    """It is meant."""

    role: GrantRole
    span: Span
    target: str


@dataclasses.dataclass(frozen=True)
class RevokeShare(Callback, tag="sv"):
    """Take back what others may see, from the entry's own view."""

    target: str


@dataclasses.dataclass(frozen=True)
class ListShares(Callback, tag="sh"):
    """Show a page of what is shared."""

    page: int


@dataclasses.dataclass(frozen=True)
class RevokeListed(Callback, tag="sl"):
    """Take back what others may see, from the list."""

    target: str
    page: int


@dataclasses.dataclass(frozen=True)
class RevokeAll(Callback, tag="sx"):
    """Ask whether all shares are to be taken back."""


@dataclasses.dataclass(frozen=True)
class RevokeAllSurely(Callback, tag="sy"):
    """They are."""


class ConnectWay(enum.StrEnum):
    """How a drive is connected."""

    CODE = "c"
    WHOLE = "w"


@dataclasses.dataclass(frozen=True)
class Connect(Callback, tag="cn"):
    """Begin to connect a drive."""

    way: ConnectWay


@dataclasses.dataclass(frozen=True)
class OfferConnect(Callback, tag="co"):
    """Ask which drive to connect."""


@dataclasses.dataclass(frozen=True)
class StopLogin(Callback, tag="cs"):
    """Wait no longer for the person's log-in."""


@dataclasses.dataclass(frozen=True)
class ListDrives(Callback, tag="ac"):
    """Show what is connected."""


class DriveDeed(enum.StrEnum):
    """What a drive's buttons do."""

    SHOW = "s"
    CHOOSE = "c"
    LOGIN = "l"
    SHARED = "h"
    ADD_SHARED = "a"
    OFFER = "o"
    WITHDRAW = "w"
    DISCONNECT = "x"
    DISCONNECT_SURELY = "y"


@dataclasses.dataclass(frozen=True)
class DoToDrive(Callback, tag="ad"):
    """Do something to a connected drive; the token names it, or the shared drive to be added."""

    deed: DriveDeed
    token: str


class CheckUpDeed(enum.StrEnum):
    """What an owner does after a look at Telpher itself."""

    AGAIN = "a"
    RESUME = "r"


@dataclasses.dataclass(frozen=True)
class CheckUp(Callback, tag="k"):
    """Look again, or let go on what waits for accounts."""

    deed: CheckUpDeed
