"""Makes the files beside it with the programs that people make such files with. Not needed to run the tests.

    apt-get install --no-install-recommends libreoffice-writer libreoffice-calc pandoc chromium
    python tests/files/make.py

The texts are invented. What is made anew differs in dates and ids, not in its text.
"""

import csv
import json
import shutil
import subprocess
import tempfile
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

HERE = Path(__file__).parent

LIGHTHOUSE = """---
title: The Lighthouse of Marrow Point
author: Ida Kvalheim
date: 2021-03-14
---

# The Lighthouse of Marrow Point

The lighthouse at Marrow Point was built in 1874 by the engineer Josef Almgren.[^keeper] Its lamp burned herring oil
until 1911.

[^keeper]: The first keeper, Marta Ruud, stayed for thirty-one years.

## The lamps

| Lamp | Installed | Range |
|------|-----------|-------|
| Herring oil burner | 1874 | 9 miles |
| Acetylene lamp | 1911 | 14 miles |
| Electric lamp | 1953 | 22 miles |

Visitors should know:

- The tower closes at four in winter.
- Dogs must wait in the boathouse.
"""

ORCHARD = """---
title: The Orchard Survey
date: 2022-10-05
---

# The Orchard Survey

In the autumn of 2022 volunteers counted 1,380 apple trees in the valley of Lunde. The most common variety is
Torstein Red, which makes up a third of all trees. Professor Hanne Vik led the survey.

| Variety | Trees | Flavour |
|---------|-------|---------|
| Torstein Red | 460 | sweet |
| Grey Pippin | 215 | sour |
"""

BEEKEEPERS = """---
title: Minutes of the Beekeepers
---

# Minutes of the Beekeepers

The beekeepers of Øvre Dal met on Tuesday. They elected Sigrun Åsheim as their chairwoman. The fee for new members is
forty crowns – half of last year’s.

| Hive | Honey |
|------|-------|
| Birch hill | 31 kilograms |
| Mill pond | 18 kilograms |
"""

CLOCKMAKER = """---
title: The Clockmaker of Orrin
author: A. Nobody
date: 1998-06-01
lang: en
---

# The Workshop

Every morning the clockmaker Pavel Dorn opened his workshop in Orrin at half past six. He kept four hundred clocks, and
no two of them agreed.

# The Journey

In the spring he sold the workshop to his niece Klara. She moved the clocks to a barn near Sellin by ox cart.
"""

MUSEUM = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Opening hours – Stonebridge Museum</title>
<meta property="article:published_time" content="2023-05-02T09:00:00Z">
<style>nav { color: red }</style><script>var tracking = "Buy tickets";</script></head>
<body><header><a href="/">Home</a> <a href="/shop">Museum shop</a></header>
<nav><ul><li><a href="/a">Exhibitions</a><li><a href="/b">Press releases</a></ul></nav>
<div class="cookie-banner"><a href="#">Accept all cookies</a></div>
<main><h1>Stonebridge Museum</h1>
<p>The museum is open from ten to five, but <b>never on Wednesdays</b>.<br>Its oldest piece is a bronze
kettle found by the farmer Olaf Tveit in 1902.</p>
<table><thead><tr><th>Ticket</th><th>Price</th></tr></thead>
<tbody><tr><td>Adult</td><td>12 crowns</td></tr><tr><td>Child</td><td>5 crowns</td></tr></tbody></table></main>
<aside>Related: ten other museums</aside><footer>Imprint · Privacy</footer></body></html>
"""

FERRY = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">
<title>Tallis Ferry Company: Report for 2023</title>
<style>@page { size: A5; margin: 15mm } section { break-after: page; font: 12pt serif; hyphens: manual }</style></head>
<body>
<section><h1>Report for 2023</h1><p>The Tallis Ferry Company looks back on a calm year. Its director, Ruth Bergman,
thanks all who sailed with it.</p></section>
<section><h2>Passengers</h2><p>The ferry Aurelia carried 48,200 passengers in 2023. The older ferry Constance carried
9,750 passengers and was sold in November.</p></section>
<section><h2>Plans</h2><p>In 2025 the company will open a route to the island of Senna. The crossing takes fifty
minutes.</p></section></body></html>
"""

FOUNDRY = """---
title: The Bell Foundry of Harl
date: 2019-01-20
---

# The Bell Foundry of Harl

{first}

The largest bell ever cast in Harl weighs 4,310 kilograms and hangs in the cathedral of Brandt.

{second}

Since 2006 the foundry has been led by Edvard Holm, who learned the craft from his grandmother.
"""
FILLER = (
    "A bell is cast in a mould of loam, horse hair and brick, which dries for many weeks before the bronze is poured."
)

STATIONS = [
    ["Station", "Opened", "Platforms", "Station manager"],
    ["Ekeby", "1889", "2", "Lars Wiik"],
    ["Norrfall", "1907", "4", "Tove Brandal"],
    ["Solhamn", "1931", "3", "Kim Aronsen; no phone"],
]

BUDGET = [
    ["Budget of the village hall"],
    [],
    ["Item", "Planned", "Spent", "Paid on"],
    ["New roof", "52000", "57300", "2024-06-30"],
    ["Piano tuning", "900", "850", "2024-02-11"],
    ["Heating oil", "4100", "3975.5", "2024-12-01"],
]

INSTRUMENTS = {
    "title": "Instruments of the town band",
    "date": "2020-09-01",
    "instruments": [
        {"name": "Tuba", "owner": {"name": "Nils Oberg", "since": 2011}, "keys": ["C", "F"], "insured": True},
        {"name": "Clarinet", "owner": {"name": "Asta Lind", "since": 2018}, "keys": ["B flat"], "insured": False},
    ],
}

EVENTS = [
    {"time": "2024-03-02T10:00", "event": "The dam gate at Kvern was opened", "operator": "Frida Moen"},
    {"time": "2024-03-04T06:30", "event": "The pump in Haugen failed", "operator": "Amir Sand"},
]

SUBTITLES = """1
00:00:01,000 --> 00:00:03,500
<i>My grandfather caught the whale</i>

2
00:00:03,600 --> 00:00:06,000
near Cape Lorn in 1928.

3
00:00:12,000 --> 00:00:15,000
He gave its jaw to the school.
"""

CAPTIONS = """WEBVTT - Interview

NOTE a comment that nobody says

intro
00:01.000 --> 00:04.000 align:start
<v Anna Reeve>We planted the <c.green>cedars</c> in 1990,

00:04.200 --> 00:07.000
<v Anna Reeve>long before the drought.

00:07.500 --> 00:09.000
<v Tom Hale>The well at Brook Farm is sixty metres deep.
"""

REGATTA = """---
title: The Regatta
date: 2018-07-21
---

The regatta was won by the *Sea Otter* of Captain Lise Nygaard.
"""

NOTE = """The Harbour of Stavle

The harbour of Stavle freezes from January to March. The ice is broken by the tug Bjarke.
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pandoc(folder, "lighthouse.docx", LIGHTHOUSE)
        pandoc(folder, "clockmaker.epub", CLOCKMAKER)
        pandoc(folder, "lighthouse-page.html", LIGHTHOUSE.replace("Marrow Point", "Crane Rock").replace("1874", "1861"))
        pandoc(folder, "foundry.docx", FOUNDRY.format(first=f"{FILLER} " * 22, second=f"{FILLER} " * 30), into=folder)
        office(folder / "foundry.docx", "pdf", HERE / "foundry.pdf")
        hovland = ORCHARD.replace("Lunde", "Hovland")
        for target, text in (("orchard.odt", ORCHARD), ("beekeepers.rtf", BEEKEEPERS), ("orchard-word.docx", hovland)):
            source = f"{Path(target).stem}-source.docx"
            pandoc(folder, source, text, into=folder)
            office(folder / source, Path(target).suffix[1:], HERE / target)
        (folder / "budget.csv").write_text(table(BUDGET, ","), encoding="utf-8")
        office(folder / "budget.csv", "xlsx", HERE / "budget.xlsx")
        (folder / "ferry.html").write_text(FERRY, encoding="utf-8")
        chromium(folder / "ferry.html", HERE / "ferry.pdf")
    (HERE / "museum.html").write_text(MUSEUM, encoding="utf-8")
    (HERE / "stations.csv").write_text(table(STATIONS, ";"), encoding="cp1252")
    (HERE / "stations.tsv").write_text(table(STATIONS, "\t").replace("Norrfall", "Sørfall"), encoding="utf-16")
    (HERE / "instruments.json").write_text(json.dumps(INSTRUMENTS, indent=1), encoding="utf-8")
    (HERE / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in EVENTS), encoding="utf-8")
    (HERE / "whale.srt").write_text(SUBTITLES.replace("\n", "\r\n"), encoding="utf-8-sig", newline="")
    (HERE / "interview.vtt").write_text(CAPTIONS, encoding="utf-8")
    (HERE / "harbour.txt").write_text(NOTE, encoding="utf-8")
    (HERE / "regatta.md").write_text(REGATTA, encoding="utf-8")
    (HERE / "meeting.eml").write_bytes(message())


def pandoc(folder: Path, target: str, text: str, into: Path = HERE) -> None:
    source = folder / "source.md"
    source.write_text(text, encoding="utf-8")
    subprocess.run(["pandoc", "-s", str(source), "-o", str(into / target)], check=True)


def office(source: Path, ending: str, target: Path) -> None:
    outcome = source.parent / "out"
    profile = f"-env:UserInstallation=file://{source.parent}/profile"
    command = ["soffice", profile, "--headless", "--convert-to", ending, "--outdir", str(outcome), str(source)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    shutil.move(outcome / f"{source.stem}.{ending}", target)


def chromium(source: Path, target: Path) -> None:
    command = [
        "chromium",
        "--headless",
        "--no-sandbox",
        "--no-pdf-header-footer",
        f"--print-to-pdf={target}",
        str(source),
    ]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


def table(rows: list[list[str]], delimiter: str) -> str:
    path = Path(tempfile.mkdtemp()) / "table"
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, delimiter=delimiter).writerows(rows)
    return path.read_text(encoding="utf-8")


def message() -> bytes:
    mail = EmailMessage()
    mail["From"] = "Grete Solberg <grete@example.org>"
    mail["To"] = "The Committee <committee@example.org>"
    mail["Subject"] = "Committee meeting moved – Käthe is ill"
    mail["Date"] = datetime(2024, 4, 17, 8, 30, tzinfo=UTC)
    mail.set_content(
        "Dear all,\n\nthe committee will meet in the old dairy on Friday instead. Käthe has a cold.\n\nGrete\n"
    )
    mail.add_alternative(
        "<p>Dear all,</p><p>the <b>committee</b> will meet in the old dairy on Friday instead.</p>", "html"
    )
    mail.add_attachment(b"nothing", maintype="application", subtype="pdf", filename="agenda.pdf")
    return mail.as_bytes()


if __name__ == "__main__":
    main()
