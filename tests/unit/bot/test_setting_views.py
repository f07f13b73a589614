"""Steps from any number stay within the bounds, and lead to every number sooner or later."""

from __future__ import annotations

import dataclasses

from hypothesis import given
from hypothesis import strategies as st
from telegram import InlineKeyboardMarkup

from telpher.actions.set_up_run import CALLS, Setup, SetupToken, Written
from telpher.bot import setting_views
from telpher.bot.compute_callbacks import WriteParameter
from telpher.bot.setting_views import steps
from telpher.bot.texts import Texts
from telpher.compute.modules import registry
from telpher.compute.port import Parameter

EN, RU = Texts.for_language("en"), Texts.for_language("ru")
BARE = Parameter(name="size", titles={"en": "Size", "ru": "Размер"}, default=5, minimum=-3, maximum=2**62)
"""As a package's module may have it: no steps of its own."""
MODULE = dataclasses.replace(registry()["pi"], parameters=(BARE,))
SETUP = Setup(token=SetupToken("abcdefgh_-12"), module=MODULE, arguments={"size": 5}, strategies=("linear",), calls=5)


def _parameter(minimum: int, maximum: int) -> Parameter:
    return Parameter(name="n", titles={"en": "N"}, default=minimum, minimum=minimum, maximum=maximum)


@given(minimum=st.integers(-10, 10**6), room=st.integers(1, 10**12), data=st.data())
def test_steps_stay_within_the_bounds(minimum: int, room: int, data: st.DataObject) -> None:
    parameter = _parameter(minimum, minimum + room)
    setting = data.draw(st.integers(minimum, minimum + room))
    targets = [target for _, target in steps(parameter, setting)]
    assert targets == sorted(set(targets))
    assert setting not in targets
    assert all(minimum <= target <= minimum + room for target in targets)
    assert any(target < setting for target in targets) == (setting > minimum)
    assert any(target > setting for target in targets) == (setting < minimum + room)


def test_a_wide_range_is_stepped_by_factors_and_a_narrow_one_by_adding() -> None:
    assert steps(_parameter(1, 10**9), 1000) == [("÷ 10", 100), ("÷ 2", 500), ("× 2", 2000), ("× 10", 10_000)]
    assert steps(_parameter(1, 8), 4) == [("− 10", 1), ("− 1", 3), ("+ 1", 5), ("+ 10", 8)]
    assert steps(_parameter(1, 8), 8) == [("− 10", 1), ("− 1", 7)]
    assert steps(_parameter(-1, 10**9), -1) == [("+ 1", 0), ("+ 10", 9)]
    assert steps(_parameter(1, 5000), 4000) == [("÷ 10", 400), ("÷ 2", 2000), ("× 2", 5000)]


def test_a_parameter_without_steps_of_its_own_can_be_set() -> None:
    assert [parameter for _, parameter in SETUP.offered] == [BARE]
    for texts, title in ((EN, "Size"), (RU, "Размер")):
        screen = setting_views.parameter(texts, SETUP, 0)
        assert f"{title}: <b>5</b>" in screen.text
        assert "4\N{NARROW NO-BREAK SPACE}611" in screen.text, "how far it goes"
        assert isinstance(screen.keyboard, InlineKeyboardMarkup)
        labels = [[button.text for button in row] for row in screen.keyboard.inline_keyboard]
        assert labels[0] == ["÷ 10", "÷ 2", "× 2", "× 10"]
        assert labels[1] == [f"⌨️ {texts.t('workshop.write')}"]


def test_the_largest_number_fits_into_a_button() -> None:
    assert len(WriteParameter(SETUP.token, 15, Written(str(-(2**63)))).encode()) <= 64


def test_the_number_of_calls_stands_after_the_parameters() -> None:
    assert SETUP.parameter(1) is CALLS
    assert SETUP.setting(1) == 5
    screen = setting_views.parameter(RU, SETUP, 1)
    assert "Вызовов: <b>5</b>" in screen.text


def test_a_refusal_tells_what_would_do() -> None:
    told = setting_views.refusal(RU, SETUP, 1, "<много>")
    assert told == "⚠️ «&lt;много&gt;» не подходит для «Вызовов». Целое число от 1 до 1\N{NARROW NO-BREAK SPACE}000."
    reason = {"en": "not here", "ru": "не здесь"}
    choosy = dataclasses.replace(MODULE, setting_unavailable=lambda _name, setting: reason if setting == 7 else None)
    told = setting_views.refusal(RU, dataclasses.replace(SETUP, module=choosy), 0, "7")
    assert told.endswith("для «Размер». не здесь")
