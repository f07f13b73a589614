"""The scenarios' own ears: a text in the wrong language or half finished is heard, a right one is not; Russian is read as English."""

from __future__ import annotations

import pytest
from tests.driver.catalogues import phrases
from tests.driver.interpreter import in_english, message_in_english
from tests.driver.tongue import complaints

from telpher.bot.texts import LANGUAGES, Texts


@pytest.mark.parametrize(
    ("shown", "language", "wrong"),
    [
        ("note.txt\n12 Б · In the drive, verified", "ru", "In the drive, verified"),
        ("note.txt\n12 B · На диске, проверено", "ru", "B"),
        ("📥 Get back", "ru", "Get back"),
        ("🗑 Delete", "ru", "Delete"),
        ("Whatever was sent here is kept somewhere", "ru", "not a word of Russian"),
        ("note.txt\n12 B · На диске, проверено", "en", "На диске, проверено"),
        ("🗑 Удалить", "en", "Удалить"),
        ("button.delete", "en", "button.delete"),
        ("Ваш диск · files.page", "ru", "files.page"),
        ("Hello, {name}!", "en", "{name}"),
        ("Здравствуйте, {name}!", "ru", "{name}"),
    ],
)
def test_what_is_wrong_is_heard(shown: str, language: str, wrong: str) -> None:
    assert any(wrong in complaint for complaint in complaints(shown, language))


@pytest.mark.parametrize(
    ("shown", "language"),
    [
        ("📝 files.txt", "ru"),
        ("📝 письмо.txt", "en"),
        ("📁 Trips", "ru"),
        ("Диск больше меня не пускает. Войдите снова: /connect, или на сервере telpher connect google", "ru"),
        ("🧩 {year}/{month}/{kind}", "ru"),
        ("🔗 https://drive.google.com/file/d/abc/view", "ru"),
    ],
)
def test_names_commands_and_addresses_are_in_no_language(shown: str, language: str) -> None:
    assert complaints(shown, language) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_catalogue_itself_is_beyond_reproach(language: str) -> None:
    values = dict.fromkeys(
        {field for forms in phrases(language).values() for form in forms for field in form.fields}, "7"
    )
    said = [form.filled(values) for forms in phrases(language).values() for form in forms]
    # It may name the fields of a path, and nothing else in braces.
    assert [wrong for text in said for wrong in complaints(text, language)] == []


def test_every_russian_text_is_read_as_its_english_twin() -> None:
    texts = {language: Texts.for_language(language) for language in LANGUAGES}
    misread = []
    for key, forms in phrases("en").items():
        if len(forms) == 1 and not forms[0].fields and not key.startswith("number."):
            plain = phrases("ru")[key][0].filled({})
            if in_english(plain) != forms[0].filled({}):
                misread.append((key, plain, in_english(plain)))
    assert misread == []
    assert in_english(texts["ru"].n("album.title", 1)) == "1 file"
    assert in_english(texts["ru"].n("album.title", 5)) == "5 files"
    assert in_english("1,5 КБ из 2 МБ") == "1.5 KB of 2 MB"


def test_a_message_is_read_with_its_buttons() -> None:
    button = {"text": "📥 Забрать", "callback_data": "b:1"}
    message = {"message_id": 1, "text": "note.txt\nВ корзине.", "reply_markup": {"inline_keyboard": [[button]]}}
    read = message_in_english(message)
    assert read["text"] == "note.txt\nMoved to the trash."
    assert read["reply_markup"]["inline_keyboard"] == [[{"text": "📥 Get back", "callback_data": "b:1"}]]
    assert message["text"] == "note.txt\nВ корзине."
