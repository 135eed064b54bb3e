"""Entry point of ``bongsu``. Keeps start-up short: nothing heavier than typer is imported before a command."""

from __future__ import annotations

import io
import os
import sys

from bongsu.cli.ending import end_as_by_hand, leave_at_once


def main() -> None:
    """Choose the language, build the commands, run one."""
    leave_at_once()
    # Python itself answers Ctrl-C with a traceback, so whatever takes time is imported after the line above.
    from bongsu.cli.texts import choose_language, use_language

    for stream in (sys.stdout, sys.stderr):
        # A terminal or file of another encoding gets an escape for what it cannot hold, and no traceback.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    language = choose_language(sys.argv[1:], os.environ)
    use_language(language)
    # Help texts are translated while the commands are declared, so this import waits for the language.
    from bongsu.cli.app import run
    from bongsu.cli.helping import bind_library_texts

    bind_library_texts(language, os.environ)
    end_as_by_hand()
    sys.exit(run())


if __name__ == "__main__":
    main()
