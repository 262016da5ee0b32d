# SPDX-License-Identifier: AGPL-3.0-or-later
"""Cloud images: download to a storage with content ``import``, checked by their sum.

Nothing is fetched: an address that ends in the name of a file which the cluster file
lists is that file, any other is a small one. A checksum is believed unless the control
socket said what the file's sum is.
"""

from typing import Any

from labdb.lab.cluster import GIB
from labdb.lab.emulator.base import USER, Pve, TaskError, die, ok, params, split_list

ORDINARY = 3 * GIB


class Imports(Pve):
    """``download-url`` for images that a guest's disk is made from."""

    async def _download_url(self, request: Any) -> Any:
        asked = await params(request)
        if asked.get("content") != "import":
            return await super()._download_url(request)
        name, store = self._file_storage(request, "download")
        user, node = request[USER], request.match_info["node"]
        self.require(user, f"/storage/{name}", "Datastore.AllocateTemplate")
        self.require(user, "/", "Sys.Audit")
        self.require(user, "/", "Sys.Modify")
        asked = self._verify(request, asked)
        self._need_file_storage(
            store, "can't upload to storage type '{0}', not a file based storage!"
        )
        if "import" not in split_list(store.get("content")):
            raise die(f"storage '{name}' is not configured for content-type 'import'")
        path = f"import/{asked['filename']}"

        async def body() -> None:
            await self.pause(5)
            want = asked.get("checksum")
            if want is not None and self.sums.get(asked["url"], want) != want:
                raise TaskError(
                    f"checksum mismatch: got '{self.sums[asked['url']]}' != expect '{want}'"
                )
            self.store_file(name, asked["filename"], ORDINARY, "import")
            store["volumes"][path]["virtual-size"] = ORDINARY

        log = [f"downloading {asked['url']} to /var/lib/vz/{path}"]
        return ok(await self.task(node, "download", name, user, body, log=log))
