"""Guests as Docker containers that run systemd, with real memory, cores and disks."""

import contextlib
import logging
import os
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from docker.errors import APIError, NotFound

from labdb.lab import power_on, seed
from labdb.lab.disks import Disks
from labdb.lab.engine import engine
from labdb.lab.machines import Completed, Disk, Hardware, MachineError
from labdb.lab.seed import Seed
from labdb.lab.settings import LabSettings

LABEL = "org.labdb.lab"
SHAPE = "org.labdb.shape"
PERIOD = 100_000
"""Microseconds of the scheduler's period: a core is so many of quota."""
REBOOTED = 129
"""How a container ends whose init called reboot(2): killed by SIGHUP (pid_namespaces(7))."""
ENDPOINT_MAC_SINCE = (1, 44)
"""Docker API version that takes the MAC address with the network, not beside it."""
log = logging.getLogger(__name__)


class DockerMachines:
    """One container for each guest, ``labdb-vm-<vmid>`` in the usual range.

    *image* gives the image of a new guest, *network* the name of a VLAN's Docker network;
    both may make what is missing.
    """

    def __init__(
        self, state: Path, *, image: Callable[[], str], network: Callable[[int], str]
    ) -> None:
        self._state = state
        self._image = image
        self._network = network
        self._disks = Disks(state / "disks")
        self._client = engine()

    def start(self, hardware: Hardware, seed: Seed) -> None:
        """Make the container where needed, give it its disks and switch it on."""
        if (host := os.cpu_count() or 1) < hardware.cores:
            had = (hardware.vmid, host, hardware.cores)
            log.warning("VM %d gets %d of its %d cores: the host has no more", *had)
        self._prepare(hardware, seed)
        try:
            container = self._fitting(hardware)
            container.update(**_limits(hardware))
            container.start()
        except APIError as error:
            raise MachineError(
                f"the container of VM {hardware.vmid} does not start", why=str(error.explanation)
            ) from error

    def _prepare(self, hardware: Hardware, given: Seed) -> None:
        folder = self._folder(hardware.vmid)
        seed.write(given, folder / "seed")
        loops = {disk: self._disks.attach(disk.volume, disk.size) for disk in hardware.disks}
        power_on.write(folder / "power-on", name=_name(hardware.vmid), loops=loops)

    def _fitting(self, hardware: Hardware) -> Any:
        """Return the container with the address that *hardware* has; moved when it has another."""
        shape = f"{hardware.vlan} {hardware.address} {hardware.mac.lower()}"
        current = self._find(hardware.vmid)
        if current is not None:
            if current.labels.get(SHAPE) == shape:
                return current
            current.commit(repository=_repository(hardware.vmid), tag="moved")
            current.remove(force=True)
            self._kept_image(hardware.vmid).write_text(f"{_repository(hardware.vmid)}:moved")
        kept = self._kept_image(hardware.vmid)
        image = kept.read_text() if kept.exists() else self._image()
        return self._create(hardware, image, shape)

    def _create(self, hardware: Hardware, image: str, shape: str) -> Any:
        api: Any = self._client.api
        folder = self._folder(hardware.vmid)
        name = self._network(hardware.vlan)
        modern = tuple(map(int, api.api_version.split("."))) >= ENDPOINT_MAC_SINCE
        mac = hardware.mac.lower() or None
        endpoint: dict[str, Any] = {"mac_address": mac} if modern and mac else {}
        if hardware.address:
            endpoint["ipv4_address"] = hardware.address
        made = api.create_container(
            image,
            command=["/bin/sh", "/.power-on/script"],
            name=_name(hardware.vmid),
            hostname=hardware.name,
            labels={LABEL: str(self._state), SHAPE: shape},
            stop_signal="SIGRTMIN+3",
            mac_address=None if modern else mac,
            networking_config=api.create_networking_config(
                {name: api.create_endpoint_config(**endpoint)}
            ),
            host_config=api.create_host_config(
                binds=[
                    f"{folder / 'seed'}:/var/lib/cloud/seed/nocloud:ro",
                    f"{folder / 'power-on'}:/.power-on:ro",
                    f"{_unified()}:/sys/fs/cgroup:rw",
                ],
                cap_add=["SYS_ADMIN", "NET_ADMIN", "SYS_BOOT"],
                security_opt=["apparmor=unconfined"],
                cgroupns="host",
                tmpfs={"/run": "exec,mode=755", "/run/lock": ""},
                # As a machine has it (half of its memory); parallel workers speak through it.
                shm_size=hardware.memory // 2,
                device_cgroup_rules=["b 7:* rmw"],
                network_mode=name,
                **_limits(hardware),
            ),
        )
        return self._client.containers.get(made["Id"])

    def shutdown(self, vmid: int, *, timeout: float) -> bool:
        """Let systemd power the guest off."""
        container = self._find(vmid)
        if container is None or container.status != "running":
            return True
        container.kill(signal="SIGRTMIN+3")
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            container.reload()
            if container.status != "running":
                return True
            time.sleep(0.1)
        return False

    def stop(self, vmid: int) -> None:
        """Kill the container; its loop devices are given back."""
        container = self._find(vmid)
        if container is not None:
            with contextlib.suppress(APIError):  # it was off already
                container.kill()
            container.wait(timeout=30)

    def delete(self, vmid: int) -> None:
        """Remove the container, the images of its snapshots and its folder."""
        container = self._find(vmid)
        if container is not None:
            container.remove(force=True, v=True)
        for image in self._client.images.list(name=_repository(vmid)):
            for tag in image.tags:
                self._client.images.remove(tag)
        shutil.rmtree(self._folder(vmid), ignore_errors=True)
        power_on.remove_group(_unified(), _name(vmid))

    def snapshot(self, vmid: int, name: str, disks: Sequence[Disk]) -> None:
        """Freeze the guest for the moment in which system and disks are copied."""
        container = self._found(vmid)
        is_on = container.status == "running"
        if is_on:
            container.pause()
        try:
            container.commit(repository=_repository(vmid), tag=name)
            for disk in disks:
                self._disks.keep(disk.volume, name)
        finally:
            if is_on:
                container.unpause()

    def rollback(self, vmid: int, name: str, disks: Sequence[Disk]) -> None:
        """Throw the container away; the next start makes it from the snapshot."""
        container = self._find(vmid)
        if container is not None:
            container.remove(force=True)
        self._kept_image(vmid).write_text(f"{_repository(vmid)}:{name}")
        for disk in disks:
            self._disks.put_back(disk.volume, name)

    def drop_snapshot(self, vmid: int, name: str, disks: Sequence[Disk]) -> None:
        """Remove the copies; the image stays while a container is made of it."""
        with contextlib.suppress(APIError):  # in use: `delete` removes it
            self._client.images.remove(f"{_repository(vmid)}:{name}")
        for disk in disks:
            self._disks.forget(disk.volume, name)

    def attach_disk(self, vmid: int, disk: Disk) -> None:
        """Make the device and its link in the running guest, as its udev would."""
        loop = self._disks.attach(disk.volume, disk.size)
        done = self.exec(vmid, ["/bin/sh", "-c", power_on.device(disk, loop)])
        if done.status != 0:
            raise MachineError(f"VM {vmid} does not get its disk {disk.slot}", why=done.err)

    def detach_disk(self, vmid: int, disk: Disk) -> None:
        """Take the device out of the running guest."""
        self.exec(vmid, ["/bin/sh", "-c", power_on.no_device(disk)])
        self._disks.detach(disk.volume)

    def grow_disk(self, disk: Disk) -> None:
        """Grow the file and the loop device."""
        self._disks.grow(disk.volume, disk.size)

    def drop_disk(self, volume: str) -> None:
        """Remove the file."""
        self._disks.remove(volume)

    def rename_disk(self, volume: str, new: str) -> None:
        """Rename the file."""
        self._disks.rename(volume, new)

    def copy_disk(self, volume: str, new: str) -> None:
        """Copy the file."""
        self._disks.copy(volume, new)

    def exec(self, vmid: int, argv: Sequence[str]) -> Completed:
        """Run a command in the container."""
        try:
            status, (out, err) = self._found(vmid).exec_run(list(argv), demux=True)
        except APIError as error:
            raise MachineError(f"VM {vmid} runs nothing", why=str(error.explanation)) from error
        return Completed(status, (out or b"").decode(), (err or b"").decode())

    def read_file(self, vmid: int, path: str) -> bytes:
        """Return a file of the guest."""
        done = self.exec(vmid, ["cat", "--", path])
        if done.status != 0:
            raise FileNotFoundError(path)
        return done.out.encode()

    def running(self) -> frozenset[int]:
        """Return the guests of this lab that are on; one that rebooted itself comes back here."""
        on = set()
        try:
            for one in self._client.containers.list(
                all=True, ignore_removed=True, filters={"label": f"{LABEL}={self._state}"}
            ):
                state = one.attrs["State"]
                if not state["Running"] and state["ExitCode"] == REBOOTED:
                    one.start()
                    on.add(one.name)
                elif state["Running"]:
                    on.add(one.name)
        except (APIError, OSError) as error:
            raise MachineError("Docker does not answer", why=str(error)) from error
        return frozenset(int(str(name).rpartition("-")[2]) for name in on)

    def _find(self, vmid: int) -> Any:
        try:
            return self._client.containers.get(_name(vmid))
        except NotFound:
            return None

    def _found(self, vmid: int) -> Any:
        if (container := self._find(vmid)) is None:
            raise MachineError(f"VM {vmid} was never switched on")
        return container

    def _folder(self, vmid: int) -> Path:
        folder = self._state / "machines" / str(vmid)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _kept_image(self, vmid: int) -> Path:
        return self._folder(vmid) / "image"


def _name(vmid: int) -> str:
    return LabSettings.load().guest_name(vmid)


def _repository(vmid: int) -> str:
    return _name(vmid).replace("-", "/", 1)


def _unified() -> Path:
    """Return the host's cgroup v2 tree: beside the v1 controllers, or the only one."""
    hybrid = Path("/sys/fs/cgroup/unified")
    return hybrid if hybrid.is_dir() else Path("/sys/fs/cgroup")


def _limits(hardware: Hardware) -> dict[str, Any]:
    cores = min(hardware.cores, os.cpu_count() or 1)
    return {
        "cpu_period": PERIOD,
        "cpu_quota": cores * PERIOD,
        "mem_limit": hardware.memory,
        "memswap_limit": hardware.memory,
    }
