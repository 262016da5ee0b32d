"""What other tuners would write for the same machine and load.

Their formulas as facts, written anew; each module names its source. A peer gives what it
would write to postgresql.conf that bears on memory, plans, parallel queries, I/O, WAL,
checkpoints and autovacuum; what it leaves out keeps PostgreSQL's default. All take the
declared connections as given, whatever they would choose themselves.
"""

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches

from labdb.domain.peers.autobase import autobase
from labdb.domain.peers.pgconfig import pgconfig
from labdb.domain.peers.pgtune import pgtune, pgtune_dw
from labdb.domain.peers.pigsty import pigsty_olap, pigsty_oltp
from labdb.domain.peers.stock import stock
from labdb.domain.peers.timescale import timescale
from labdb.domain.peers.tpa import tpa
from labdb.domain.tuning.inputs import Load, Machine
from labdb.errors import UsageError

__all__ = ["ALL", "PEERS", "Peer", "peers"]

Peer = Callable[[Machine, Load, int], Mapping[str, str]]
PEERS: Mapping[str, Peer] = {
    "stock": stock,
    "pgtune": pgtune,
    "pgtune-dw": pgtune_dw,
    "pigsty-olap": pigsty_olap,
    "pigsty-oltp": pigsty_oltp,
    "autobase": autobase,
    "timescale": timescale,
    "tpa": tpa,
    "pgconfig": pgconfig,
}
ALL = "all"


def peers(names: Iterable[str]) -> Mapping[str, Peer]:
    """Return the peers called *names*, each once, in their order; ``all`` are all of them.

    Raises:
        UsageError: there is no such peer; names the nearest one.
    """
    chosen: dict[str, Peer] = {}
    for name in names:
        if name == ALL:
            chosen |= PEERS
        elif name in PEERS:
            chosen[name] = PEERS[name]
        else:
            raise _unknown(name)
    return chosen


def _unknown(name: str) -> UsageError:
    known = ", ".join((*PEERS, ALL))
    near = get_close_matches(name, (*PEERS, ALL), n=1)
    return UsageError(
        f"--compare {name}: labdb does not know this tuner",
        hint=f"did you mean {near[0]}? Known: {known}" if near else f"known: {known}",
    )
