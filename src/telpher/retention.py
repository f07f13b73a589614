"""The part of the composition root that says what is thrown out, by whom: at the start and once a day, a few rows at a time.

How long each thing is kept stands in its own room, and all together in `docs/security.md`.
"""

from __future__ import annotations

import sqlalchemy as sa

from telpher.access import EntryRefs
from telpher.actions.errands import Errands
from telpher.actions.housekeeping import Housekeeping
from telpher.actions.login_book import LoginBook
from telpher.actions.paging import Pager
from telpher.actions.select import Selections
from telpher.actions.sent_files import SentFiles
from telpher.actions.share_book import ShareBook
from telpher.actions.undo import UndoLog
from telpher.admission import Admission
from telpher.bot.intake import Intake
from telpher.bot.prompts import Prompts
from telpher.bot.receipt_book import ReceiptBook
from telpher.jobs.pruning import OldJobs
from telpher.store.schema import jobs, receipt_jobs
from telpher.transfers.checkpoint import Checkpoints


def build_housekeeping(admission: Admission, intake: Intake, *, bot_id: int) -> Housekeeping:
    """In this order: jobs go after the receipts that tell of them."""
    store = admission.store
    shares = ShareBook(store)
    stands_in_a_receipt = sa.exists().where(receipt_jobs.c.job_id == jobs.c.id)
    return Housekeeping(
        {
            "updates": intake.prune,
            "receipts": ReceiptBook(store).prune,
            "jobs": OldJobs(store, stands_in_a_receipt).prune,
            "transfers": Checkpoints(store).prune,
            "deliveries": SentFiles(store, bot_id).prune,
            "buttons": EntryRefs(store).prune,
            "places in listings": Pager(store).prune,
            "ways to undo": UndoLog(store).prune,
            "errands": Errands(store).prune,
            "selections": Selections(store).prune,
            "questions": Prompts(store).prune,
            "shares that are over": shares.prune,
            "buttons of shares": shares.prune_targets,
            "log-ins": LoginBook(store).prune,
            "strangers": admission.access.prune,
            "invitations": admission.invitations.prune,
            "days": admission.day_use.prune,
        }
    )
