"""Parameters that keep one session from harming the others."""

from labdb.domain.connections import SUPERUSER_RESERVED
from labdb.domain.tuning.inputs import Inputs
from labdb.domain.tuning.processes import parallel_workers
from labdb.domain.tuning.setting import Setting
from labdb.domain.tuning.space import temp_file_limit
from labdb.size import format_size

TIMEOUTS = "section 20.11.1"


def limit_settings(inputs: Inputs) -> tuple[Setting, ...]:
    """Return the limits of every session; roles have their own beside them."""
    limit = format_size(temp_file_limit(inputs))
    return (
        Setting("max_connections", str(inputs.load.connections), "declared",
                source="section 20.3.1; each counts in the memory budget"),
        Setting("superuser_reserved_connections",
                str(min(SUPERUSER_RESERVED, inputs.load.connections // 2)),
                "an operator gets in when all is full", source="section 20.3.1"),
        Setting("temp_file_limit", limit,
                "the declared analysts and their workers together cannot fill the data disk",
                f"({inputs.load.analysts} analysts + {parallel_workers(inputs)} parallel workers) "
                f"x {limit}", "section 20.4.2: it holds for each process"),
        Setting("max_locks_per_transaction", "256",
                "a time series has a partition for each night, and a dump locks them all",
                source="section 20.12"),
        Setting("idle_in_transaction_session_timeout", "1h",
                "a forgotten transaction blocks vacuum", source=TIMEOUTS),
        Setting("lock_timeout", "0", "set by role: analysts wait, applications do not",
                source=TIMEOUTS),
        Setting("statement_timeout", "0", "long analysis is the purpose; set by role",
                source=TIMEOUTS),
        Setting("client_connection_check_interval", "10s",
                "stop the query of a client that left", source="section 20.3.2"),
        Setting("default_toast_compression", "lz4", "long values compress and read faster",
                source=TIMEOUTS),
    )  # fmt: skip
