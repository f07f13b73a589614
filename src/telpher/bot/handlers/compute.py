"""`/compute` (the tutorial's `/cython`): a conversation in one message, each step a job on the queue."""

from __future__ import annotations

from telpher.actions.run_module import Plan
from telpher.bot.callbacks import RunModule
from telpher.bot.handlers.asked import Asked
from telpher.bot.receipt_book import ReceiptView
from telpher.errors import StaleButtonError


async def compute(asked: Asked) -> None:
    """What this is, and the first button."""
    asked.desk.run_module.check(asked.person.id)
    await asked.show(asked.desk.conversation.opening(asked.texts))


async def run_module(asked: Asked, callback: RunModule) -> None:
    """A step of the conversation: the message that the button is under becomes its receipt."""
    if not asked.pressed_message_id:
        raise StaleButtonError("a button without a message")
    conversation = f"{asked.desk.identity.id}:{asked.chat_id}:{asked.pressed_message_id}"
    plan = Plan(module=callback.module, chat_id=asked.chat_id, message_id=asked.pressed_message_id)
    accepted = await asked.desk.run_module.request(asked.person.id, plan, key=f"{conversation}:{callback.module}")
    if not accepted.is_new:
        await asked.toast(asked.texts.t("compute.started_already"))
    await asked.desk.receipts.open(
        f"compute:{conversation}",
        ReceiptView.COMPUTE,
        accepted.job,
        chat_id=asked.chat_id,
        message_id=asked.pressed_message_id,
    )
