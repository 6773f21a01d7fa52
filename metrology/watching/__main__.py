"""`python -m metrology.watching DIR --server URL`: the watch of a PC that has neither Django nor the database."""

from __future__ import annotations

import argparse
import hashlib
import signal
import sys
import threading
import time
from pathlib import Path

from common.errors import AccessError, StrehlError, UnavailableError
from metrology.watching.memory import Memory
from metrology.watching.remote import RemoteTaker
from metrology.watching.watch import Watch


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare what both command lines share.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Gets the options.
    """
    parser.add_argument("folder", type=Path, metavar="DIR", help="What is watched, with its sub-folders.")
    parser.add_argument("--instrument", default="", help="Name or slug; else read from each file.")
    parser.add_argument("--optical-path", default="", help="Name; needs --instrument.")
    parser.add_argument("--standard", default="", help="Name; else read from label or file name.")
    parser.add_argument("--label", default="", help="Label of the images.")
    parser.add_argument("--server", default="", metavar="URL", help="A Strehl elsewhere; else the one of this machine.")
    parser.add_argument("--token-file", type=Path, help="File that holds the token of an operator's account.")
    parser.add_argument(
        "--settle", type=float, default=10.0, metavar="S", help="A file is complete when unchanged so long."
    )
    parser.add_argument("--look", type=float, default=2.0, metavar="S", help="Pause between two looks at the folder.")
    parser.add_argument("--state", type=Path, help="Where is remembered what was taken in.")
    parser.add_argument("--once", action="store_true", help="Take in what is there, then end.")


def state_file(folder: Path, server: str, *, below: Path) -> Path:
    """Return where the watch of a folder remembers, if nothing else is said.

    Parameters
    ----------
    folder : Path
        The watched folder.
    server : str
        Where its files go.
    below : Path
        Folder of all such files.

    Returns
    -------
    Path
        A file of its own for each folder and server.
    """
    return below / f"{hashlib.sha256(f'{folder.resolve()}|{server}'.encode()).hexdigest()[:16]}.sqlite"


def remote_taker(options: dict[str, object]) -> RemoteTaker:
    """Return what sends to the server of the options.

    Parameters
    ----------
    options : dict
        As `add_options` declares them.

    Returns
    -------
    RemoteTaker
        Ready to send.

    Raises
    ------
    AccessError
        There is no token.
    """
    token_file = options["token_file"]
    try:
        token = token_file.read_text().strip() if isinstance(token_file, Path) else ""
    except OSError as error:
        raise _no_token(str(error)) from error
    if not token:
        raise _no_token("")
    said = {name: str(options[name]) for name in ("instrument", "optical_path", "standard", "label")}
    return RemoteTaker(str(options["server"]), token, said)


def _no_token(reason: str) -> StrehlError:
    return AccessError(
        "A server asks for a token.",
        hint="Write the token of an operator's account into a file that only you may read, and give --token-file.",
        reason=reason,
    )


def run(watch: Watch, *, once: bool) -> int:
    """Watch until Ctrl-C or SIGTERM; a second one ends it at once.

    Parameters
    ----------
    watch : Watch
        What to run.
    once : bool
        See `Watch.run`.

    Returns
    -------
    int
        How many files were refused.
    """

    def stop(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        watch.stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    watch.say(f"Watching {watch.folder}.")
    failed = watch.run(once=once)
    watch.say("The watch has ended.")
    return failed


def wait_for(taker: RemoteTaker, watch: Watch) -> None:
    """Wait until the server answers, and check what it is told.

    Parameters
    ----------
    taker : RemoteTaker
        Asks.
    watch : Watch
        Says so.
    """
    while not watch.stopped.is_set():
        try:
            taker.check()
        except UnavailableError as error:
            watch.say(f"{error} It is waited for.")
            watch.stopped.wait(max(watch.look_s, 5.0))
        else:
            return


def say(sentence: str) -> None:
    """Print a sentence with the time, at once.

    Parameters
    ----------
    sentence : str
        What is said.
    """
    sys.stdout.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {sentence}\n")
    sys.stdout.flush()


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : list of str, optional
        Instead of those of the process.

    Returns
    -------
    int
        Its exit code: 1 where it could not begin, or a file was refused with --once.
    """
    parser = argparse.ArgumentParser(prog="python -m metrology.watching", description="Send what a microscope writes.")
    add_options(parser)
    options = vars(parser.parse_args(arguments))
    if not options["server"]:
        parser.error("--server is needed here; manage.py watch reaches the Strehl of this machine")
    try:
        taker = remote_taker(options)
        state = options["state"] or state_file(
            options["folder"], options["server"], below=Path.home() / ".strehl" / "watch"
        )
        watch = Watch(
            options["folder"],
            taker,
            Memory(state),
            say,
            settle_s=options["settle"],
            look_s=options["look"],
            stopped=threading.Event(),
        )
        wait_for(taker, watch)
        failed = run(watch, once=options["once"])
    except StrehlError as error:
        say(str(error))
        return 1
    return int(options["once"] and failed > 0)


if __name__ == "__main__":
    sys.exit(main())
