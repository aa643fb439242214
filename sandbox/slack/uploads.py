"""The second step of an upload: the content itself, to the address of the first."""

from aiohttp import web

from sandbox.slack.store import Store


class Uploads:
    """Takes contents for files that were announced."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def handle(self, request: web.Request) -> web.Response:
        """The raw content, or the first part of a form; its size must be what was announced."""
        found = self._store.files.get(request.match_info["file"])
        if found is None:
            return web.Response(status=404, text="file_not_found")
        content = await _content(request)
        if len(content) != found["size"]:
            return web.Response(status=400, text="file_size_mismatch")
        found["content"] = content.decode(errors="replace")
        return web.Response(text=f"OK - {len(content)}")


async def _content(request: web.Request) -> bytes:
    if not request.content_type.startswith("multipart/"):
        return await request.read()
    for value in (await request.post()).values():
        return value.file.read() if isinstance(value, web.FileField) else str(value).encode()
    return b""
