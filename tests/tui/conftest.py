"""The app on a play of a live run."""

from __future__ import annotations

from pathlib import Path

import pytest
from piloting import Supervision
from play import Play, write_logs

from sirtui.store.rows import RunView
from sirtui.tui.app import SirtuiApp


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """The play in its fourth iteration."""
    play = Play(tmp_path)
    write_logs(play)
    play.step(145)
    return play


@pytest.fixture
def supervision() -> Supervision:
    """Who is asked to stop and resume."""
    return Supervision()


@pytest.fixture
def app(play: Play, supervision: Supervision) -> SirtuiApp:
    """The app on the play."""
    return SirtuiApp(play, follow=play.follow, supervision=supervision)


@pytest.fixture
def view(tmp_path: Path) -> RunView:
    """The run that plays, in its fourth iteration, reversed at its third."""
    play = Play(tmp_path)
    play.moment = 145
    return play.view()
