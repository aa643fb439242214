"""Which address leads where: the API, the sockets, the uploads, the page."""

from aiohttp import web

from sandbox.slack.api import Api
from sandbox.slack.delivery import Sockets
from sandbox.slack.page import Page
from sandbox.slack.people import People
from sandbox.slack.responses import ResponseUrls
from sandbox.slack.uploads import Uploads

_BODY_BYTES_MAX = 10_000_000


def application(
    api: Api, sockets: Sockets, responses: ResponseUrls, people: People
) -> web.Application:
    """Everything under one port."""
    app = web.Application(client_max_size=_BODY_BYTES_MAX)
    app.router.add_route("*", "/api/{method}", api.handle)
    app.router.add_get("/link/", sockets.handle)
    app.router.add_post("/response/{name}", responses.handle)
    app.router.add_post("/upload/v1/{file}", Uploads(api.here.store).handle)
    Page(people, api.here.store, api.here.modals).add_to(app)
    return app
