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
from hummingbot.client.config.config_crypt import BaseSecretsManager, ETHKeyFileSecretManger
from hummingbot.client.config.config_helpers import ClientConfigAdapter, load_client_config_map_from_file
from hummingbot.client.runner import bootstrap_application
from hummingbot.client.ui import login_prompt
from hummingbot.client.ui.style import load_style
from workbench.home import CLIENT_FOLDERS


def main() -> int:
    """Returns the exit code: 0 after `exit`, 1 when there is no terminal, no password or no permission."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        print("make client: the full-screen client needs a terminal; without one use: "
              ".venv/bin/python -m hummingbot.cli.main", file=sys.stderr)
        return 1
    os.chdir(root_path())  # the client takes its folders to be where it is started
    problem = _problem_of_folders()
    if problem is not None:
        print(f"make client: {problem}", file=sys.stderr)
        return 1
    settings = load_client_config_map_from_file()
    secrets_manager = login_prompt(ETHKeyFileSecretManger, style=load_style(settings))
    if secrets_manager is None:
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


async def _run(settings: ClientConfigAdapter, secrets_manager: BaseSecretsManager) -> None:
    application = await bootstrap_application(settings, secrets_manager)
    if application is not None:  # None: a wrong password, which the dialog does not let through
        await application.run()


if __name__ == "__main__":
    sys.exit(main())
