"""Errors as responses: JSON with one sentence and a name; to a person who opened a document, a page."""

from typing import TYPE_CHECKING, Any

from index.errors import BadInput, FootnoteError, LibraryProblem, MissingPart, ModelProblem, NotFound
from ui.chat import INTERNAL
from ui.guard import SECURITY_HEADERS
from ui.pages import problem_page

if TYPE_CHECKING:
    from fastapi.exceptions import RequestValidationError
    from starlette.exceptions import HTTPException
    from starlette.requests import Request
    from starlette.responses import Response

_STATUS: dict[type[FootnoteError], int] = {
    BadInput: 400,
    NotFound: 404,
    LibraryProblem: 503,
    MissingPart: 503,
    ModelProblem: 502,
}
_NAMES = {404: "NotFound", 405: "MethodNotAllowed", 408: "TooSlow", 413: "TooLarge", 415: "UnsupportedMediaType"}
_OPENAI = ("/v1/chat/", "/v1/models")


def handlers() -> dict[Any, Any]:
    """What FastAPI calls for each kind of error."""
    from fastapi.exceptions import RequestValidationError
    from starlette.exceptions import HTTPException

    return {
        FootnoteError: _footnote_error,
        HTTPException: _http_error,
        RequestValidationError: _validation_error,
        Exception: _unexpected_error,
    }


def error(type: str, message: str) -> dict[str, Any]:
    """An error as JSON holds it."""
    return {"error": {"message": message, "type": type}}


def error_of(problem: Exception) -> dict[str, Any]:
    """What went wrong while an answer was on its way, as JSON holds it."""
    if isinstance(problem, FootnoteError):
        return error(type(problem).__name__, str(problem))
    return error("Internal", INTERNAL)


def _problem(request: "Request", status: int, type: str, message: str) -> "Response":
    """The error as JSON; to a person who opened a document's page, as a page."""
    from starlette.responses import HTMLResponse, JSONResponse

    if request.url.path.startswith("/documents/") and "text/html" in request.headers.get("accept", ""):
        return HTMLResponse(problem_page(message), status, headers=SECURITY_HEADERS)
    body = error(type, message)
    if request.url.path.startswith(_OPENAI):
        body["error"] |= {"param": None, "code": None}  # OpenAI's shape
    return JSONResponse(body, status, headers=SECURITY_HEADERS)


def _footnote_error(request: "Request", problem: FootnoteError) -> "Response":
    return _problem(request, _STATUS.get(type(problem), 500), type(problem).__name__, str(problem))


def _http_error(request: "Request", problem: "HTTPException") -> "Response":
    sentences = {
        404: "There is nothing at this address; /docs lists what there is.",
        405: f"This address does not take {request.method}; /docs lists what it takes.",
    }
    message = sentences.get(problem.status_code, f"{str(problem.detail).rstrip('.')}.")
    return _problem(request, problem.status_code, _NAMES.get(problem.status_code, "BadInput"), message)


def _validation_error(request: "Request", problem: "RequestValidationError") -> "Response":
    first = problem.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:])
    if first["type"] == "json_invalid":
        message = "The body is not valid JSON."
    elif first["type"] == "missing":
        message = f"{where or 'The body'} is missing; /docs lists what this address takes."
    else:
        message = f"{where or 'The body'} cannot be used: {first['msg'][:1].lower()}{first['msg'][1:]}."
    return _problem(request, 400, "BadInput", message)


def _unexpected_error(request: "Request", _: Exception) -> "Response":
    return _problem(request, 500, "Internal", INTERNAL)
