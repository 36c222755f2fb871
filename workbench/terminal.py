"""`make client`: Hummingbot's full-screen client in the project's home, in the terminal this is started from.

Hummingbot's own launchers are no part of its package: one needs the source tree, the other one's copy in the package
fails. This one asks for the password and starts the same application.
"""
import asyncio
import os
import sys
from pathlib import Path
from typing import Optional

from hummingbot import root_path
from hummingbot.cli import bot
from hummingbot.client.config.config_crypt import BaseSecretsManager, ETHKeyFileSecretManger
from hummingbot.client.config.config_helpers import ClientConfigAdapter, load_client_config_map_from_file
from hummingbot.client.runner import bootstrap_application
from hummingbot.client.ui import login_prompt
from hummingbot.client.ui.style import load_style
from workbench.home import CLIENT_FOLDERS


def main() -> int:
    """Returns the exit code: 0 after `exit`; 1 when there is no terminal, password or permission, or a bot runs."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        print("make client: the full-screen client needs a terminal; without one use: .venv/bin/hbot", file=sys.stderr)
        return 1
    os.chdir(root_path())  # the client takes its folders to be where it is started
    problem = _problem_of_folders() or _problem_of_a_bot()
    if problem is not None:
        print(f"make client: {problem}", file=sys.stderr)
        return 1
    settings = load_client_config_map_from_file()
    secrets_manager = login_prompt(ETHKeyFileSecretManger, style=load_style(settings))
    if secrets_manager is None:
        print("make client: no password was entered, so the client was not opened.", file=sys.stderr)
        return 1
    asyncio.run(_run(settings, secrets_manager))
    return 0


def _problem_of_folders() -> Optional[str]:
    """What keeps the client from writing; it would only say so in its log, and lose what is entered."""
    for folder in CLIENT_FOLDERS:
        if not Path(folder).is_dir():
            return f"{Path(folder).absolute()} is no folder; run `make install`, or move away what is in its place."
        for path in (Path(folder), *Path(folder).glob("*.yml")):
            if not os.access(path, os.R_OK | os.W_OK):
                return f"{path.absolute()} cannot be read and written; change its permissions or its owner."
    return None


def _problem_of_a_bot() -> Optional[str]:
    """A bot of `hbot` in this home: both would write the same settings, logs and databases, and trade side by side."""
    pid = bot.read_pid()
    if pid is None or not bot.is_engine_pid(pid):  # a bot that was killed leaves its number, which others may get
        return None
    return f"a bot runs in this home (pid {pid}), which has one at a time: `.venv/bin/hbot stop` first."


async def _run(settings: ClientConfigAdapter, secrets_manager: BaseSecretsManager) -> None:
    application = await bootstrap_application(settings, secrets_manager)
    if application is not None:  # None: a wrong password, which the dialog does not let through
        await application.run()


if __name__ == "__main__":
    sys.exit(main())
