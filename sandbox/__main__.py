"""`python -m sandbox`: the sandbox as a process of its own, until SIGTERM or Ctrl-C."""

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from sandbox.server import SandboxServer


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to stop; 0 after a clean end, 1 when the port cannot be had."""
    options = _parser().parse_args(arguments)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    try:
        with SandboxServer(port=options.port, anonymous_user=options.anonymous) as server:
            _prepare(server, options)
            stopping.wait()
    except OSError as error:
        sys.stderr.write(f"cannot serve on port {options.port}: {error}; try --port 0\n")
        return 1
    return 0


def _prepare(server: SandboxServer, options: argparse.Namespace) -> None:
    kubeconfig = server.write_kubeconfig(options.kubeconfig)
    if options.shop:
        # The official client takes seconds to import; who needs no story does not wait for it.
        from sandbox.scenario import connect, create_shop

        with connect(kubeconfig) as api:
            create_shop(api)
    sys.stdout.write(f"sandbox: {server.url}\nkubeconfig: {kubeconfig}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (the default)")
    parser.add_argument("--kubeconfig", type=Path, required=True, help="the file to write")
    parser.add_argument("--shop", action="store_true", help="create the seed story's deployment")
    parser.add_argument(
        "--anonymous",
        metavar="USER",
        default="",
        help="who a request without a token is, e.g. kubectl, which sends none over plain HTTP",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
