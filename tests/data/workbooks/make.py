#!/usr/bin/python3
"""Makes the workbooks in this directory with a headless LibreOffice. See README.md."""

import random
import subprocess
import tempfile
import time
from pathlib import Path

import uno
from com.sun.star.beans import PropertyValue
from com.sun.star.connection import NoConnectException
from com.sun.star.script import ModuleInfo

HERE = Path(__file__).resolve().parent
XLS = "MS Excel 97"
XLSX = "Calc MS Excel 2007 XML"
XLSM = "Calc MS Excel 2007 VBA XML"

# DWP A5/2020 Annex C
RULES = [
    "HBHB405", "HBSA002", "HBSA003", "HBSA004", "HBDB101", "HBES105", "HBHB001", "HBHB403", "HBHB501", "HBHB911",
    "HBIB112", "HBIB005", "HBIC201", "HBIS005", "HBIS105", "HBJS055", "HBJS105", "HBPC005", "HBRM101", "HBRP103",
    "HBJS212", "HBPD001", "HBSP001", "HBBB001", "HBIN004", "HBUC007",
]
MI_COLUMNS = [
    "Rule", "Referrals received", "Cases reviewed", "Outcome: change to entitlement", "Outcome: no change",
    "Outcome: claim ended", "Cases outstanding", "Weekly value of changes (£)",
]
MACRO = """Rem Attribute VBA_ModuleType=VBAModule
Option VBASupport 1
Sub Greet
    MsgBox "made for a test"
End Sub
"""


def start(profile):
    """A LibreOffice of our own, and its desktop."""
    pipe = f"make{random.SystemRandom().randrange(10**9)}"
    office = subprocess.Popen([
        "soffice", "--headless", "--norestore", f"-env:UserInstallation=file://{profile}",
        f"--accept=pipe,name={pipe};urp;",
    ])
    context = uno.getComponentContext()
    resolver = context.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", context)
    while office.poll() is None:
        try:
            remote = resolver.resolve(f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext")
            return office, remote.ServiceManager.createInstanceWithContext("com.sun.star.frame.Desktop", remote)
        except NoConnectException:
            time.sleep(0.2)
    raise SystemExit("soffice ended before it could be asked")


def option(name, value):
    return PropertyValue(Name=name, Value=value)


def book(desktop):
    return desktop.loadComponentFromURL("private:factory/scalc", "_blank", 0, (option("Hidden", True),))


def save(document, name, form):
    document.storeToURL(HERE.joinpath(name).as_uri(), (option("FilterName", form),))


def put(sheet, row, values):
    """Text is put as text, so that a reference of digits keeps its noughts; a text that begins with = is a formula."""
    for column, value in enumerate(values):
        cell = sheet.getCellByPosition(column, row)
        if isinstance(value, (int, float)):
            cell.setValue(value)
        elif value.startswith("="):
            cell.setFormula(value)
        else:
            cell.setString(value)


def mi_return(desktop, completed):
    document = book(desktop)
    sheet = document.Sheets.getByIndex(0)
    sheet.Name = "MI return"
    figures = random.Random(405)
    put(sheet, 0, ["HBMS MI return"])
    put(sheet, 1, ["Local authority number", "12302"])
    put(sheet, 2, ["Month of the download", "April 2020"])
    put(sheet, 4, MI_COLUMNS)
    first = 5
    for row, rule in enumerate(RULES, start=first):
        received = figures.randrange(0, 60)
        changed, ended = figures.randrange(0, received // 2 + 1), figures.randrange(0, received // 4 + 1)
        value = round(changed * figures.uniform(4, 30), 2)
        outcomes = [received, changed, received - changed - ended, ended, 0, value]
        put(sheet, row, [rule, received] + (outcomes if completed else []))
    last = first + len(RULES)
    put(sheet, last, ["Total"] + [f"=SUM({c}{first + 1}:{c}{last})" for c in "BCDEFGH"])
    return document


def risk(desktop, rows, marked):
    document = book(desktop)
    sheet = document.Sheets.getByIndex(0)
    sheet.Name = "RISK"
    figures = random.Random(627)
    scores = sorted((round(figures.uniform(0.01, 0.99), 4) for _ in range(rows)), reverse=True)
    cells = [("CLAIM_REFERENCE", "RISK_SCORE", "HIGH_RISK", "TENURE")]
    for row, score in enumerate(scores):
        reference = f"HB{figures.randrange(10**7):07}"
        cells.append((reference, score, "Y" if row < marked else "N", figures.choice(["PRIV", "COUN", "HASS"])))
    sheet.getCellRangeByPosition(0, 0, 3, rows).setDataArray(tuple(cells))
    return document


def with_macros(document):
    """The export writes the library that is called as Excel calls its project, if the whole is in its mode."""
    document.BasicLibraries.VBACompatibilityMode = True
    document.BasicLibraries.ProjectName = "VBAProject"
    library = document.BasicLibraries.createLibrary("VBAProject")
    library.insertModuleInfo("Greeting", ModuleInfo(None, 1))
    library.insertByName("Greeting", MACRO)
    return document


def main():
    with tempfile.TemporaryDirectory() as profile:
        office, desktop = start(profile)
        empty = mi_return(desktop, completed=False)
        save(empty, "HBMS MI return.xls", XLS)
        save(empty, "HBMS MI return.xlsx", XLSX)
        save(mi_return(desktop, completed=True), "HBMS MI return completed.xlsx", XLSX)

        table = risk(desktop, rows=3000, marked=168)
        save(table, "risk.xls", XLS)
        save(table, "risk.xlsx", XLSX)

        formula = risk(desktop, rows=20, marked=2)
        formula.Sheets.getByIndex(0).getCellByPosition(1, 10).setFormula("=B10")
        save(formula, "risk-formula.xlsx", XLSX)

        ragged = risk(desktop, rows=20, marked=2)
        sheet = ragged.Sheets.getByIndex(0)
        sheet.getCellRangeByPosition(2, 5, 3, 5).clearContents(1023)
        sheet.getCellByPosition(4, 8).setString("one too many")
        save(ragged, "risk-ragged.xlsx", XLSX)

        second = risk(desktop, rows=20, marked=2)
        second.Sheets.insertNewByName("Cover", 0)
        save(second, "risk-two-sheets.xlsx", XLSX)

        macros = with_macros(risk(desktop, rows=20, marked=2))
        save(macros, "risk-macros.xlsm", XLSM)
        save(macros, "risk-macros.xls", XLS)
        desktop.terminate()
        office.wait()


if __name__ == "__main__":
    main()
