# SPDX-License-Identifier: AGPL-3.0-or-later
"""Serve the emulated cluster until SIGTERM; the guests are left as they are."""

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from labdb.errors import LabdbError
from labdb.lab import cluster
from labdb.lab.emulator.credentials import TOKEN_ID
from labdb.lab.emulator.server import Emulator
from labdb.lab.machines import Machines, NoMachines


def arguments() -> argparse.Namespace:
    """Return the command line, parsed."""
    parser = argparse.ArgumentParser(prog="python -m labdb.lab.emulator", description=__doc__)
    parser.add_argument("--cluster", type=Path, default=cluster.DEFAULT, metavar="FILE")
    parser.add_argument("--machines", choices=("docker", "none"), default="docker")
    parser.add_argument("--port", type=int, default=8006, help="0 takes a free one")
    parser.add_argument("--state", type=Path, required=True, metavar="DIR")
    parser.add_argument(
        "--time-scale", type=float, help="real seconds for a second of PVE; 0: tasks end at once"
    )
    parser.add_argument(
        "--record-answers", action="store_true", help="keep answers in requests.jsonl too"
    )
    return parser.parse_args()


def machines(kind: str, state: Path) -> Machines:
    """Return what runs the guests."""
    if kind == "none":
        return NoMachines()
    from labdb.lab import image, network  # noqa: PLC0415  # Docker only where it is asked for
    from labdb.lab.containers import DockerMachines  # noqa: PLC0415  # the same

    return DockerMachines(state, image=image.ensure, network=lambda vlan: network.ensure(vlan).name)


async def serve(options: argparse.Namespace) -> None:
    """Run until a signal; print one line of JSON when ready."""
    options.state.mkdir(parents=True, exist_ok=True)
    scale = options.time_scale
    if scale is None:
        scale = 0.0 if options.machines == "none" else 0.2
    emulator = Emulator(
        cluster.load(options.cluster),
        machines(options.machines, options.state),
        options.state,
        port=options.port,
        time_scale=scale,
    )
    emulator.record_answers = options.record_answers
    if emulator.resume():
        await emulator.switch_on_after_boot()
    made = emulator.credentials
    await emulator.start(str(made.certificate), str(made.key))
    socket = options.state / "control.sock"
    control = await emulator.listen(socket)
    watcher = asyncio.ensure_future(emulator.watch())
    ready = {"ready": emulator.url, "ca": str(made.authority), "token": TOKEN_ID,
             "token_file": str(made.token), "control": str(socket)}  # fmt: skip
    print(json.dumps(ready), flush=True)  # noqa: T201  # the ready line is the interface
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    await stop.wait()
    watcher.cancel()
    control.close()
    await emulator.stop()
    emulator.save()
    socket.unlink(missing_ok=True)


def main() -> int:
    """Return the exit code."""
    try:
        asyncio.run(serve(arguments()))
    except LabdbError as error:
        print(error, file=sys.stderr)  # noqa: T201  # the process has no other voice
        return error.exit_code
    except OSError as error:
        print(f"the emulator cannot start\n{error}", file=sys.stderr)  # noqa: T201  # as above
        return 4
    return 0


if __name__ == "__main__":
    sys.exit(main())
