"""Docs Editors files in the formats that they are exported to: small, but real, documents made from their text."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from html import escape
from xml.sax.saxutils import escape as xml_escape

DOCUMENT = "application/vnd.google-apps.document"
SPREADSHEET = "application/vnd.google-apps.spreadsheet"
PRESENTATION = "application/vnd.google-apps.presentation"
PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
_LINES_PER_PAGE = 50
_COLUMNS = 90
_RELATIONSHIPS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'


def to_text(text: str) -> bytes:
    """Plain text, with the mark that Google puts before it."""
    return b"\xef\xbb\xbf" + text.encode("utf-8")


def to_html(text: str) -> bytes:
    """A page of paragraphs."""
    body = "".join(f"<p>{escape(line)}</p>" for line in text.splitlines())
    return f'<html><head><meta charset="utf-8"></head><body>{body}</body></html>'.encode()


def to_csv(text: str) -> bytes:
    """The table as it was put in."""
    return text.encode("utf-8")


def to_pdf(text: str) -> bytes:
    """Pages of Courier; letters outside Latin-1 become question marks, as no font is embedded."""
    lines = [
        line[start : start + _COLUMNS]
        for line in text.splitlines() or [""]
        for start in range(0, len(line) or 1, _COLUMNS)
    ]
    pages = [lines[start : start + _LINES_PER_PAGE] for start in range(0, len(lines), _LINES_PER_PAGE)]
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{' '.join(f'{4 + 2 * n} 0 R' for n in range(len(pages)))}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding >>",
    ]
    for number, page in enumerate(pages):
        shown = "".join(f"({_pdf_string(line)}) ' " for line in page)
        stream = f"BT /F1 10 Tf 14 TL 50 790 Td {shown}ET".encode("latin-1", "replace")
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {5 + 2 * number} 0 R"
            " /Resources << /Font << /F1 3 0 R >> >> >>".encode()
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
    out, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, len(out))
    return bytes(out + b"xref\n0 %d\n0000000000 65535 f \n%s%s" % (size, table, trailer))


def _pdf_string(line: str) -> str:
    return line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")


def to_docx(text: str) -> bytes:
    """A Word document of paragraphs."""
    paragraphs = "".join(
        f'<w:p><w:r><w:t xml:space="preserve">{xml_escape(line)}</w:t></w:r></w:p>' for line in text.splitlines()
    )
    name = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    document = f'{_XML}<w:document xmlns:w="{name}"><w:body>{paragraphs}</w:body></w:document>'
    return _package({"word/document.xml": (document, DOCX + ".main+xml")}, "word/document.xml")


def to_xlsx(text: str) -> bytes:
    """A workbook with one sheet of texts."""
    rows = "".join(
        f'<row r="{number}">'
        + "".join(f'<c t="inlineStr"><is><t>{xml_escape(cell)}</t></is></c>' for cell in row)
        + "</row>"
        for number, row in enumerate(csv.reader(io.StringIO(text)), 1)
    )
    name = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    book = f'{_XML}<workbook xmlns="{name}" xmlns:r="{_OFFICE}"><sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>'
    sheet = f'{_XML}<worksheet xmlns="{name}"><sheetData>{rows}</sheetData></worksheet>'
    relations = (
        f'{_XML}<Relationships xmlns="{_RELATIONSHIPS}">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
    )
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "xl/workbook.xml": (book, f"{kind}.sheet.main+xml"),
        "xl/worksheets/sheet1.xml": (sheet, f"{kind}.worksheet+xml"),
        "xl/_rels/workbook.xml.rels": (relations, ""),
    }
    return _package(parts, "xl/workbook.xml")


def to_pptx(text: str) -> bytes:
    """A presentation with a slide for each paragraph between empty lines."""
    kind = "application/vnd.openxmlformats-officedocument.presentationml"
    spaces = (
        f'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" xmlns:r="{_OFFICE}"'
        ' xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
    )
    group = '<p:nvGrpSpPr><p:cNvPr id="1" name=""/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/>'
    empty = f"<p:cSld><p:spTree>{group}</p:spTree></p:cSld>"
    colours = " ".join(
        f'{name}="{name if name.startswith(("accent", "hlink", "fol")) else value}"' for name, value in _COLOURS
    )
    master = (
        f"{_XML}<p:sldMaster {spaces}>{empty}<p:clrMap {colours}/>"
        '<p:sldLayoutIdLst><p:sldLayoutId id="2147483649" r:id="rId1"/></p:sldLayoutIdLst></p:sldMaster>'
    )
    parts = {
        "ppt/slideMasters/slideMaster1.xml": (master, f"{kind}.slideMaster+xml"),
        "ppt/slideMasters/_rels/slideMaster1.xml.rels": (
            _relations(("slideLayout", "../slideLayouts/slideLayout1.xml"), ("theme", "../theme/theme1.xml")),
            "",
        ),
        "ppt/slideLayouts/slideLayout1.xml": (
            f"{_XML}<p:sldLayout {spaces}>{empty}</p:sldLayout>",
            f"{kind}.slideLayout+xml",
        ),
        "ppt/slideLayouts/_rels/slideLayout1.xml.rels": (
            _relations(("slideMaster", "../slideMasters/slideMaster1.xml")),
            "",
        ),
        "ppt/theme/theme1.xml": (_theme(), "application/vnd.openxmlformats-officedocument.theme+xml"),
    }
    slides = text.split("\n\n")
    for number, slide in enumerate(slides, 1):
        paragraphs = "".join(f"<a:p><a:r><a:t>{xml_escape(line)}</a:t></a:r></a:p>" for line in slide.splitlines())
        shape = (
            '<p:sp><p:nvSpPr><p:cNvPr id="2" name="Text"/><p:cNvSpPr txBox="1"/><p:nvPr/></p:nvSpPr><p:spPr><a:xfrm>'
            '<a:off x="600000" y="600000"/><a:ext cx="8000000" cy="5000000"/></a:xfrm><a:prstGeom prst="rect"><a:avLst/></a:prstGeom>'
            f"</p:spPr><p:txBody><a:bodyPr/>{paragraphs or '<a:p/>'}</p:txBody></p:sp>"
        )
        body = f"{_XML}<p:sld {spaces}><p:cSld><p:spTree>{group}{shape}</p:spTree></p:cSld></p:sld>"
        parts[f"ppt/slides/slide{number}.xml"] = (body, f"{kind}.slide+xml")
        parts[f"ppt/slides/_rels/slide{number}.xml.rels"] = (
            _relations(("slideLayout", "../slideLayouts/slideLayout1.xml")),
            "",
        )
    listed = "".join(f'<p:sldId id="{255 + n}" r:id="rId{1 + n}"/>' for n in range(1, len(slides) + 1))
    presentation = (
        f'{_XML}<p:presentation {spaces}><p:sldMasterIdLst><p:sldMasterId id="2147483648" r:id="rId1"/></p:sldMasterIdLst>'
        f'<p:sldIdLst>{listed}</p:sldIdLst><p:sldSz cx="9144000" cy="6858000"/><p:notesSz cx="6858000" cy="9144000"/></p:presentation>'
    )
    parts["ppt/presentation.xml"] = (presentation, f"{kind}.presentation.main+xml")
    targets = [("slide", f"slides/slide{number}.xml") for number in range(1, len(slides) + 1)]
    parts["ppt/_rels/presentation.xml.rels"] = (
        _relations(("slideMaster", "slideMasters/slideMaster1.xml"), *targets),
        "",
    )
    return _package(parts, "ppt/presentation.xml")


_COLOURS = [("bg1", "lt1"), ("tx1", "dk1"), ("bg2", "lt2"), ("tx2", "dk2")]
_COLOURS += [(f"accent{number}", "") for number in range(1, 7)] + [("hlink", ""), ("folHlink", "")]


def _theme() -> str:
    """The least that a theme holds."""
    named = ["dk1", "lt1", "dk2", "lt2", *(f"accent{number}" for number in range(1, 7)), "hlink", "folHlink"]
    colours = "".join(
        f'<a:{name}><a:srgbClr val="{"FFFFFF" if name.startswith("lt") else "1F2A44"}"/></a:{name}>' for name in named
    )
    font = '<a:latin typeface="Arial"/><a:ea typeface=""/><a:cs typeface=""/>'
    fill = '<a:solidFill><a:schemeClr val="phClr"/></a:solidFill>'
    effect = "<a:effectStyle><a:effectLst/></a:effectStyle>"
    return (
        f'{_XML}<a:theme xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" name="Plain"><a:themeElements>'
        f'<a:clrScheme name="Plain">{colours}</a:clrScheme><a:fontScheme name="Plain"><a:majorFont>{font}</a:majorFont>'
        f'<a:minorFont>{font}</a:minorFont></a:fontScheme><a:fmtScheme name="Plain"><a:fillStyleLst>{fill * 3}</a:fillStyleLst>'
        f"<a:lnStyleLst>{f'<a:ln>{fill}</a:ln>' * 3}</a:lnStyleLst><a:effectStyleLst>{effect * 3}</a:effectStyleLst>"
        f"<a:bgFillStyleLst>{fill * 3}</a:bgFillStyleLst></a:fmtScheme></a:themeElements></a:theme>"
    )


def _relations(*targets: tuple[str, str]) -> str:
    """A part's relationships, numbered from rId1."""
    listed = "".join(
        f'<Relationship Id="rId{number}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, 1)
    )
    return f'{_XML}<Relationships xmlns="{_RELATIONSHIPS}">{listed}</Relationships>'


def _package(parts: dict[str, tuple[str, str]], main: str) -> bytes:
    """An Office Open XML package."""
    overrides = "".join(
        f'<Override PartName="/{path}" ContentType="{kind}"/>' for path, (_, kind) in parts.items() if kind
    )
    types = (
        f'{_XML}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f"{overrides}</Types>"
    )
    relations = (
        f'{_XML}<Relationships xmlns="{_RELATIONSHIPS}">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="{main}"/></Relationships>'
    )
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("[Content_Types].xml", types)
        package.writestr("_rels/.rels", relations)
        for path, (text, _) in parts.items():
            package.writestr(path, text)
    return data.getvalue()


EXPORTS: dict[str, dict[str, Callable[[str], bytes]]] = {
    DOCUMENT: {PDF: to_pdf, DOCX: to_docx, "text/plain": to_text, "text/html": to_html},
    SPREADSHEET: {XLSX: to_xlsx, PDF: to_pdf, "text/csv": to_csv},
    PRESENTATION: {PDF: to_pdf, PPTX: to_pptx, "text/plain": to_text},
}
IMPORTS = {
    "text/plain": [DOCUMENT],
    "text/html": [DOCUMENT],
    "text/csv": [SPREADSHEET],
}
EXPORT_LIMIT_BYTES = 10 * 1024 * 1024
