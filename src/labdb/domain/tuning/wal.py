"""Parameters of write-ahead log, checkpoints and archiving."""

from labdb.domain.tuning.budget import MemoryBudget
from labdb.domain.tuning.inputs import Inputs
from labdb.domain.tuning.setting import Setting
from labdb.domain.tuning.space import (
    CHECKPOINT_SECONDS,
    CHECKPOINT_TARGET,
    REPLAY_RATE,
    largest_wal,
)
from labdb.size import UNITS, format_size, human_size

GB = UNITS["GB"]


def wal_settings(inputs: Inputs, budget: MemoryBudget) -> tuple[Setting, ...]:
    """Return the parameters of write-ahead log and checkpoints; archiving is the backup's."""
    largest, recovery = largest_wal(inputs), inputs.load.recovery
    rate = inputs.load.wal_rate
    bound = f", {human_size(rate)}/s of WAL" if rate else ""
    return (
        Setting(
            "wal_level", "replica", "archiving and physical backups need it",
            source="section 20.5.1",
        ),
        Setting(
            "max_wal_size",
            format_size(largest),
            "what a crash recovery within the goal replays, a fifth of the goal kept back",
            f"{recovery} s x 4 / 5 x {human_size(REPLAY_RATE)}/s{bound}",
            "sections 20.5.2 and 30.5; never a fraction of the disk",
        ),
        Setting(
            "min_wal_size",
            format_size(max(GB, largest // 4)),
            "segments kept for reuse: a load finds them ready",
            f"{format_size(largest)} / 4",
            "section 20.5.2",
        ),
        Setting(
            "checkpoint_timeout",
            f"{CHECKPOINT_SECONDS // 60}min",
            "fewer full-page images during loads; recovery time is bounded by max_wal_size",
            source="section 30.5",
        ),
        Setting(
            "checkpoint_completion_target",
            f"{CHECKPOINT_TARGET:g}",
            "spread the writes over the interval",
            source="section 20.5.2",
        ),
        Setting(
            "wal_compression", "lz4", "smaller full-page images: less WAL to write and archive",
            source="section 20.5.1",
        ),
        Setting(
            "wal_buffers",
            format_size(budget.wal_buffers),
            "bulk loads write WAL in large pieces",
            f"{format_size(budget.shared_buffers)} / 32",
            "section 20.5.1",
        ),
        Setting("max_wal_senders", "5", "backups and one standby to come",
                source="section 20.6.1"),
        Setting(
            "max_slot_wal_keep_size",
            format_size(largest * 2),
            "a forgotten slot must not fill the disk",
            f"2 x {format_size(largest)}",
            "section 20.6.1",
        ),
    )  # fmt: skip
