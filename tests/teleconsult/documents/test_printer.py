"""Printouts are laid out apart, within limits, and only as long as somebody waits."""

import asyncio
from typing import Any

import pytest

from teleconsult.documents.printer import Printer
from teleconsult.documents.printout import Item, Part, Printout, Value, printout_html
from teleconsult.errors import Unavailable
from tests.waiting import eventually

HOSTILE = '<img src="file:///etc/hostname"><link rel=stylesheet href="http://127.0.0.1:9/x.css">{{ 7*7 }}'


def printout(*items: Item) -> Printout:
    """A page with these entries."""
    return Printout(
        language="fr",
        house="CHU",
        title="Dossier",
        subtitle="Tout",
        foot="BÉLANGER Rose · N° 77",
        identity=(("Nom", HOSTILE),),
        printed=("Imprimé par le Dr X",),
        warnings=("Copie",),
        parts=(Part("Mars 2026", items=items, empty="Rien"),),
        page_of="Page %(page)s sur %(pages)s",
    )


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[asyncio.subprocess.Process]:
    """Those that are started during the test."""
    started: list[asyncio.subprocess.Process] = []
    start = asyncio.create_subprocess_exec

    async def noted(*args: Any, **kwargs: Any) -> asyncio.subprocess.Process:
        started.append(await start(*args, **kwargs))
        return started[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", noted)
    return started


def test_what_is_wrong_is_struck_and_markup_is_text() -> None:
    wrong = Item("Goutte", struck="Saisi par erreur : autre patiente")
    high = Item("Bilan", values=(Value("Potassium", "7,1 mmol/L", "3,5–5,1", "Élevé"), Value("Sodium", "140")))
    html = printout_html(printout(wrong, high))
    assert 'class="struck"' in html
    assert html.count('class="out"') == 1
    assert "<img" not in html
    assert "&lt;img" in html
    assert "{{ 7*7 }}" in html
    assert "Rien" not in html
    assert "Rien" in printout_html(printout())


async def test_a_second_one_waits_and_a_third_is_sent_away(processes: list[asyncio.subprocess.Process]) -> None:
    printer = Printer(waiting=1)
    first, second, third = await asyncio.gather(*(printer.print(printout()) for _ in range(3)), return_exceptions=True)
    assert isinstance(first, bytes)
    assert isinstance(second, bytes)
    assert first.startswith(b"%PDF-")
    assert isinstance(third, Unavailable)
    assert len(processes) == 2


async def test_who_stops_waiting_ends_the_process(processes: list[asyncio.subprocess.Process]) -> None:
    printer = Printer()
    task = asyncio.create_task(printer.print(printout(*(Item(f"Entry {number}") for number in range(2000)))))
    assert await eventually(lambda: bool(processes))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert processes[0].returncode == -9
    assert (await printer.print(printout())).startswith(b"%PDF-"), "the next one has its turn"


@pytest.mark.parametrize("limits", [{"memory": 64 * 1024 * 1024}, {"seconds": 0}])
async def test_what_is_too_much_is_said(limits: dict[str, int]) -> None:
    with pytest.raises(Unavailable, match="shorter period"):
        await Printer(**limits).print(printout())
