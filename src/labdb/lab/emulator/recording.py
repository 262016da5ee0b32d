# SPDX-License-Identifier: AGPL-3.0-or-later
"""Every request and its answer, as one JSON line; secrets never get that far."""

import json
from pathlib import Path
from typing import Any

from aiohttp import web

from labdb.lab.emulator.base import Pve, PveError, params

SECRET = {"cipassword", "password", "confirmation-password", "new-password", "otp", "ticket"}
MASK = "***"


class Recording(Pve):
    """Writes ``requests.jsonl``; the fault "connection dropped after" lives here as well."""

    record_file: Path | None = None
    record_answers = False

    def _build_app(self) -> web.Application:
        app: web.Application = super()._build_app()
        app.middlewares.insert(0, self._keep)
        return app

    @property
    def _keep(self) -> Any:
        @web.middleware
        async def keep(request: web.Request, handler: Any) -> web.StreamResponse:
            response: web.StreamResponse = await handler(request)
            await self._write_down(request, response)
            if request.method != "GET":
                self.save()
            if self._is_to_drop(request):
                if request.transport is not None:
                    request.transport.abort()
                raise ConnectionResetError
            return response

        return keep

    def _is_to_drop(self, request: web.Request) -> bool:
        for fault in self.dropped:
            if fault["method"] == request.method and self._failure_matches(
                request, None, fault["path"]
            ):
                fault["times"] -= 1
                if fault["times"] <= 0:
                    self.dropped.remove(fault)
                return True
        return False

    async def _write_down(self, request: web.Request, response: web.StreamResponse) -> None:
        if self.record_file is None:
            return
        match = self.resolve(request, "/api2/json")
        try:
            given = await params(request)
        except (PveError, web.HTTPException):
            given = {}
        line: dict[str, Any] = {
            "method": request.method,
            "path": match.template if match else request.path,
            "path_params": match.params if match else {},
            "params": {key: MASK if key in SECRET else value for key, value in given.items()},
            "status": response.status,
        }
        is_json = response.content_type == "application/json"
        if self.record_answers and isinstance(response, web.Response) and is_json:
            line["answer"] = json.loads(response.text or "{}").get("data")
        _append(self.record_file, json.dumps(line))


def _append(file: Path, line: str) -> None:
    with file.open("a") as out:
        out.write(f"{line}\n")
